import type { TaskEvent } from '../../tasks/task';
import { encodeEvents } from './event-lines';
import type { EventCopy } from './protocol';

/** How old a copied event can get before it is handed over; with the way to the file it stays under 100 ms. */
const FLUSH_MS = 50;
/** Encoded events that may wait while the disk stalls; what comes beyond is not copied. */
const WAITING_MAX_UNITS = 32 * 1024 * 1024;

interface Run {
  readonly firstSeq: number;
  nextSeq: number;
  lines: string;
}

/** Gathers events of live tasks and hands them over in batches, one at a time. */
export class EventCopier {
  private readonly live = new Set<string>();
  private runs = new Map<string, Run[]>();
  private dropped: string[] = [];
  private waitingUnits = 0;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;

  /** @param send must not reject */
  constructor(private readonly send: (copies: readonly EventCopy[], dropped: readonly string[]) => Promise<void>) {}

  admit(taskId: string): void {
    this.live.add(taskId);
  }

  /** Events of the task are of no use any more: what is copied goes, what comes is ignored. */
  drop(taskId: string): void {
    this.live.delete(taskId);
    for (const { lines } of this.runs.get(taskId) ?? []) this.waitingUnits -= lines.length;
    this.runs.delete(taskId);
    this.dropped.push(taskId);
    this.arm();
  }

  copy(taskId: string, firstSeq: number, events: readonly TaskEvent[]): void {
    if (!this.live.has(taskId) || this.waitingUnits > WAITING_MAX_UNITS) return;
    const lines = encodeEvents(events);
    this.waitingUnits += lines.length;
    const runs = this.runs.get(taskId);
    const last = runs?.at(-1);
    if (last && last.nextSeq === firstSeq) {
      last.lines += lines;
      last.nextSeq += events.length;
    } else {
      const run = { firstSeq, nextSeq: firstSeq + events.length, lines };
      if (runs) runs.push(run);
      else this.runs.set(taskId, [run]);
    }
    this.arm();
  }

  /** Resolves when all that was copied so far is handed over. */
  async flush(): Promise<void> {
    while (this.sending) await this.sending;
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.runs.size === 0 && this.dropped.length === 0) return;
    const copies = [...this.runs].flatMap(([taskId, runs]) =>
      runs.map(({ firstSeq, lines }) => ({ taskId, firstSeq, lines })),
    );
    const dropped = this.dropped;
    this.runs = new Map();
    this.dropped = [];
    this.waitingUnits = 0;
    this.sending = this.send(copies, dropped);
    await this.sending;
    this.sending = undefined;
    if (this.runs.size > 0 || this.dropped.length > 0) this.arm();
  }

  private arm(): void {
    if (this.timer || this.sending) return;
    this.timer = setTimeout(() => void this.flush(), FLUSH_MS);
  }
}
