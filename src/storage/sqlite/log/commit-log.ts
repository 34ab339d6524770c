import { write } from 'node:fs';
import { join } from 'node:path';
import { failpointLater } from '../file/failpoints';
import { files, syncFolder } from '../file/journal-file';
import { Append, writeOut, type Writes } from './append';
import { encodeRecords, mostBytes, type LoggedRecord } from './commit-log-records';
import { CommitSegment, SEGMENT_BYTES, type WriteFile } from './commit-segment';

/**
 * Writes that are on the disk, and can be acknowledged, before the database has them: records in two files that are written in
 * turns, each from its start to its end. A group of records never spans the two. A file is written over only when all that it holds
 * is released. Two groups may be written at once, to the same file, and are acknowledged in their order.
 *
 * After a failed write, nothing of its group is found by a later {@link readCommitLog}: its place is made zeros before anything else
 * is acknowledged.
 */
export class CommitLog {
  private lastAppended = 0;
  private released = 0;
  /** In their order; at most two. */
  private underWay: readonly Append[] = [];
  private wiping: Promise<boolean> | undefined;
  /** At whose places records may stand that were not acknowledged. */
  private unsure: readonly Append[] = [];
  private isClosed = false;

  private constructor(
    private current: CommitSegment,
    private other: CommitSegment,
    private readonly assertInPlace: () => void,
  ) {}

  /**
   * Both files at their full size, of zeros, on the disk when this returns; what they held is overwritten. Synchronous.
   * @param assertInPlace throws where the files are not the ones at their paths any more; asked once during each write
   * @param segmentBytes the size of a file, a multiple of 8
   * @param writeFile in place of the one of node:fs
   * @throws Error of the file system
   */
  static create(
    folder: string,
    assertInPlace: () => void,
    segmentBytes: number = SEGMENT_BYTES,
    writeFile: WriteFile = write,
  ): CommitLog {
    const [first, second] = files.commits;
    const current = CommitSegment.create(join(folder, first), segmentBytes, writeFile);
    try {
      const other = CommitSegment.create(join(folder, second), segmentBytes, writeFile);
      syncFolder(folder);
      return new CommitLog(current, other, assertInPlace);
    } catch (thrown) {
      current.close();
      throw thrown;
    }
  }

  /** The number of the last record that was appended; 0 if none was. */
  get heldUpTo(): number {
    return this.lastAppended;
  }

  /** True where both files hold what is not released: the next one to be full has none to go on in. */
  get wantsRelease(): boolean {
    return !this.isFree(this.other);
  }

  /** Whether so many records, with so many bytes of bodies (as UTF-8) in all, can be appended now. */
  hasRoomFor(records: number, bodyBytes: number): boolean {
    return this.segmentFor(mostBytes(records, bodyBytes)) !== undefined;
  }

  /** Whether {@link append} may be called now: alone, or beside one that is being written. */
  get takesAppend(): boolean {
    const [first, second] = this.underWay;
    return !first || (!second && first.written !== undefined && !first.hasFailed);
  }

  /**
   * One write of all of them. Resolves when they are on the disk, and all that was appended before is; where that fails nothing of
   * them is kept, and the same numbers can be appended again.
   * @param records in the order of their numbers, which are greater than all before
   * @param writes what is in them, for failpoints
   * @throws Error at once: of the caller where {@link takesAppend} is false, the log is closed, or there is no room
   * @throws Error as a rejection: of the file system, or of `assertInPlace`; of what was appended before
   */
  append(records: readonly LoggedRecord[], writes?: Writes): Promise<void> {
    if (this.isClosed) throw new Error('the commit log is closed');
    if (!this.takesAppend) throw new Error('an append to the commit log is under way');
    const last = records.at(-1);
    if (!last) return Promise.resolve();
    const group = encodeRecords(records);
    const segment = this.segmentFor(group.length);
    if (!segment) throw new RangeError(`the commit log has no room for ${group.length} bytes`);
    const [before] = this.underWay;
    const append = new Append(segment, this.startIn(segment), group, last.number);
    if (segment === this.other) [this.current, this.other] = [this.other, this.current];
    this.underWay = [...this.underWay, append];
    return (append.over = this.carryOut(append, before, writes));
  }

  /** All up to this number is synced elsewhere: files that hold nothing later are free. */
  release(number: number): void {
    this.released = Math.max(this.released, number);
  }

  /**
   * Overwrites with zeros what the free files have held; without anything to wipe, no file is touched. An append that comes meanwhile
   * waits for one write of up to 256 KiB, and ends this.
   * @returns false where something is not released yet, an append came or the log was closed
   * @throws Error of the file system
   */
  async wipe(): Promise<boolean> {
    if (this.isClosed) return false;
    this.wiping ??= this.wipeFree().finally(() => {
      this.wiping = undefined;
      this.closeIfIdle();
    });
    return this.wiping;
  }

  /** An append that is under way is carried out before. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.closeIfIdle();
  }

  private isFree(segment: CommitSegment): boolean {
    for (const append of this.underWay) if (append.segment === segment) return false;
    return segment.last <= this.released;
  }

  private startIn(segment: CommitSegment): number {
    return this.isFree(segment) ? 0 : segment.end;
  }

  private segmentFor(bytes: number): CommitSegment | undefined {
    if (this.startIn(this.current) + bytes <= this.current.bytes) return this.current;
    // Beside another, it stands in the same file: as long as it has to be found there, what it came behind is found too.
    if (this.underWay.length > 0) return undefined;
    return this.isFree(this.other) && bytes <= this.other.bytes ? this.other : undefined;
  }

  private async carryOut(append: Append, before: Append | undefined, writes?: Writes): Promise<void> {
    try {
      if (!before && (this.wiping || this.unsure.length > 0)) await this.makeReady();
      this.unsure = [...this.unsure, append];
      append.written = writeOut(append, this.assertInPlace, writes);
      await append.written;
      await before?.over;
      // Not sooner: without what was appended before, a start would not find it.
      const held = failpointLater('after-log', writes);
      if (held) await held;
      this.unsure = without(this.unsure, append);
      this.underWay = without(this.underWay, append);
      this.lastAppended = append.last;
    } catch (thrown) {
      append.hasFailed = true;
      await Promise.allSettled([before?.over, this.failBehind(append)]);
      await this.blankUnsure().catch(() => undefined); // The next append tries again, and is not acknowledged without.
      append.giveBack();
      this.underWay = without(this.underWay, append);
      throw thrown;
    } finally {
      this.closeIfIdle();
    }
  }

  /** Resolves when nothing of one that was appended later is being written. */
  private async failBehind(append: Append): Promise<void> {
    const [first, second] = this.underWay;
    if (first !== append || !second) return;
    second.hasFailed = true;
    await second.written?.catch(() => undefined);
  }

  /** Before anything is written, and with nothing else being written. */
  private async makeReady(): Promise<void> {
    if (this.wiping) await this.wiping.catch(() => undefined);
    if (this.unsure.length > 0) await this.blankUnsure();
  }

  private async blankUnsure(): Promise<void> {
    for (const append of this.unsure) {
      const { segment, from, to } = append;
      for (let at = from; at < to;) at = await segment.blank(at, to);
      this.unsure = without(this.unsure, append);
    }
  }

  private async wipeFree(): Promise<boolean> {
    let isWiped = true;
    for (const segment of [this.current, this.other]) if (!(await this.wipeSegment(segment))) isWiped = false;
    return isWiped;
  }

  private async wipeSegment(segment: CommitSegment): Promise<boolean> {
    const { used } = segment;
    if (used === 0) return true;
    for (let at = 0; this.mayWipe(segment); at = await segment.blank(at, used)) {
      if (at < used) continue;
      segment.used = 0;
      return true;
    }
    return false;
  }

  private mayWipe(segment: CommitSegment): boolean {
    return this.underWay.length === 0 && !this.isClosed && this.isFree(segment);
  }

  private closeIfIdle(): void {
    if (!this.isClosed || this.underWay.length > 0 || this.wiping) return;
    this.current.close();
    this.other.close();
  }
}

function without(appends: readonly Append[], gone: Append): readonly Append[] {
  return appends.filter(append => append !== gone);
}
