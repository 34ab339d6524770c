import { afterTurnEnds } from '../../../time/own-turns';
import { failpointLater, slowSyncLater } from '../file/failpoints';
import type { CommitSegment } from './commit-segment';

/** A group of records that is being put at its place. */
export class Append {
  /** Settles when nothing of it is being written; undefined before that begins. */
  written: Promise<void> | undefined;
  /** What {@link CommitLog.append} gives. */
  over: Promise<void> = Promise.resolve();
  hasFailed = false;
  readonly to: number;
  private readonly lastBefore: number;

  constructor(
    readonly segment: CommitSegment,
    readonly from: number,
    readonly group: Buffer,
    readonly last: number,
  ) {
    this.to = from + group.length;
    this.lastBefore = segment.last;
    segment.end = this.to;
    segment.last = last;
    segment.used = Math.max(segment.used, this.to);
  }

  /** It was not kept, and neither was what came behind it. */
  giveBack(): void {
    const { segment } = this;
    segment.end = Math.min(segment.end, this.from);
    segment.last = Math.min(segment.last, this.lastBefore);
  }
}

export type Writes = readonly { readonly kind: string }[];

/**
 * Resolves when the group is on the disk.
 * @param assertInPlace asked while the disk writes, for this thread has nothing else to do then; what it throws rejects this once
 * the write is over
 * @param writes what is in the group, for failpoints
 * @throws Error of the file system
 */
export async function writeOut(
  { segment, group, from }: Append,
  assertInPlace: () => void,
  writes?: Writes,
): Promise<void> {
  const delay = delayed(writes);
  if (delay) await delay;
  const check = new LaterCheck(assertInPlace);
  await segment.write(group, from);
  check.conclude();
}

/** A check that is made once requests to engines have left, or when its outcome is wanted, whichever is first. */
class LaterCheck {
  private isMade = false;
  private fault: Error | undefined;

  constructor(private readonly check: () => void) {
    afterTurnEnds(() => this.make());
  }

  /** @throws what the check has thrown, whenever that was */
  conclude(): void {
    this.make();
    if (this.fault) throw this.fault;
  }

  private make(): void {
    if (this.isMade) return;
    this.isMade = true;
    try {
      this.check();
    } catch (thrown) {
      this.fault = thrown as Error;
    }
  }
}

function delayed(writes?: Writes): Promise<unknown> | undefined {
  const held = failpointLater('before-log', writes);
  return held ? held.then(slowSyncLater) : slowSyncLater();
}
