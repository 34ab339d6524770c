import type { Narrator } from '../../observability/narrator';
import type { FileContents } from '../../uploads/file-contents.port';
import { LineReader } from '../lines/line-reader';
import type { FileLine } from '../lines/line-splitter';
import { isFault, requestLineOf } from '../lines/request-line';
import { DoneLines } from '../results/done-lines';
import type { BatchUsage } from '../batch/batch-usage';
import { ResultFile } from '../results/result-file';
import { resultText, type LineResult } from '../results/result-line';
import { ResultWriter } from '../results/result-writer';
import type { LineCounts, Stop, StoredBatch } from '../batch/stored-batch';
import { taskIdsOf } from './line-work';
import type { RunRecord } from './run-record';
import { WaitingLines } from './waiting-lines';

/** Results that are written before more of them are made. */
const STEP = 200;
/** So many lines in a row that a process before had not begun are followed by none that it had. */
const UNBEGUN = 1000;
/** Characters of results that wait for their disk, past which no more lines are begun. */
const BEHIND_CHARS = 8 * 1024 * 1024;

/** One batch while it is open: what of its file is done, which lines run, and its results. */
export class BatchRun {
  /** Tasks of lines that run. */
  readonly tasks = new Set<string>();
  /** Lines that were given a place, from before they are read until their tasks have ended. */
  underWay = 0;
  /** When it last had a turn: who had none for the longest goes first. */
  lastTurn = 0;
  /** It is another node's: nothing of it is written here any more. */
  isLost = false;
  /** How it ends is being written. */
  isEnding = false;
  /** By the monotonic clock: until then none of its lines is tried. */
  pausedUntilMs = 0;
  /** By the monotonic clock, from when on its lines run here. */
  fedSinceMs = 0;
  /** By the monotonic clock, which nobody sets: the end of its window. */
  endsAtMs = Infinity;
  private readonly reader: LineReader;
  private readonly doneLines = new DoneLines();
  private readonly output: ResultFile;
  private readonly errors: ResultFile;
  private readonly outputWriter: ResultWriter;
  private readonly errorWriter: ResultWriter;
  /** Taken once, and not run after all. */
  private readonly backlog: FileLine[] = [];
  /** Taken once, and their models were away or would come to them too late. */
  private readonly waiting = new WaitingLines();
  private reading: Promise<unknown> = Promise.resolve();
  private isRead = false;
  /** Results that are not durable yet, and their characters. */
  private unwritten = 0;
  private unwrittenChars = 0;
  private waitsForDrain: (() => void) | undefined;

  constructor(
    readonly kept: RunRecord,
    contents: FileContents,
    maxLineBytes: number,
    narrator: Narrator,
    /** A process before may have begun lines of it. */
    readonly isResumed: boolean,
    /** Another node has it. */
    onLost: () => void,
  ) {
    const { id, inputFileId, outputFileId, errorFileId } = kept.batch;
    const { lease } = kept;
    this.reader = new LineReader(contents, inputFileId, maxLineBytes);
    this.output = new ResultFile(contents, outputFileId, id, lease);
    this.errors = new ResultFile(contents, errorFileId, id, lease);
    this.outputWriter = new ResultWriter(this.output, narrator, onLost);
    this.errorWriter = new ResultWriter(this.errors, narrator, onLost);
  }

  /** Finds what a process before has done of it. */
  async open(): Promise<void> {
    for (const file of [this.output, this.errors]) await file.open(line => this.doneLines.add(line));
  }

  get batch(): StoredBatch {
    return this.kept.batch;
  }

  get stop(): Stop | undefined {
    return this.batch.stop;
  }

  get counts(): LineCounts {
    return { completed: this.output.lines, failed: this.errors.lines };
  }

  get usage(): BatchUsage {
    return this.output.usage;
  }

  get bytes(): { readonly output: number; readonly errors: number } {
    return { output: this.output.bytes, errors: this.errors.bytes };
  }

  /** There may be lines that nobody has taken. */
  get hasMore(): boolean {
    return !this.isRead || this.backlog.length > 0 || !this.waiting.isEmpty;
  }

  /** There may be one that can be tried now. */
  hasMoreAt(nowMs: number): boolean {
    if (this.pausedUntilMs > nowMs) return false;
    return this.backlog.length > 0 || (!this.isRead && !this.waiting.isFull) || this.waiting.isDue(nowMs);
  }

  /** Its results come faster than they can be written. */
  get isBehind(): boolean {
    return this.unwrittenChars > BEHIND_CHARS;
  }

  /** The next line that is not done and can be tried; undefined where there is none. @throws ServiceError STORAGE_UNAVAILABLE */
  take(nowMs: number): Promise<FileLine | undefined> {
    const taken = this.reading.then(() => this.taken(nowMs));
    this.reading = taken.catch(() => undefined);
    return taken;
  }

  putBack(line: FileLine): void {
    this.backlog.push(line);
  }

  /** As it is with its model: it is tried again after a while, or once another line of that model need not wait. */
  wait(model: string, line: FileLine, nowMs: number, afterMs: number): void {
    this.waiting.add(model, line, nowMs, afterMs);
  }

  /** A line of that model need not wait: so one of those that do is tried at once. */
  tryNext(model: string, nowMs: number): void {
    this.waiting.tryNext(model, nowMs);
  }

  /** Resolves once the result is durable, or the batch another node's. */
  async record(line: FileLine, customId: string, taskId: string, result: LineResult): Promise<void> {
    const text = resultText(this.batch.id, line.number, customId, taskId, result);
    this.unwritten++;
    this.unwrittenChars += text.length;
    await (result.kind === 'answer' ? this.outputWriter : this.errorWriter).add(text);
    this.unwritten--;
    this.unwrittenChars -= text.length;
    if (!this.isLost) this.doneLines.add(line.number);
  }

  /**
   * Writes for each line that has not run why it will not; once more where it did not succeed, for those that are left.
   * @param cancel of what a process before may have begun; resolves to whether it had
   */
  async recordRest(reason: Stop, cancel: (taskId: string) => Promise<boolean>): Promise<void> {
    let step: Promise<void>[] = [];
    this.backlog.push(...this.waiting.releaseAll());
    // Lines are begun in their order, but for those that had to wait: past many that were not, none were.
    let unbegun = this.isResumed ? 0 : UNBEGUN;
    try {
      for (let line = await this.take(0); line && !this.isLost; line = await this.take(0)) {
        const ids = taskIdsOf(this.batch.id, line.number);
        if (unbegun < UNBEGUN) unbegun = (await this.cancelled(line, ids, cancel)) ? 0 : unbegun + 1;
        const request = requestLineOf(line.bytes, this.batch.endpoint);
        const customId = isFault(request) ? '' : request.customId;
        step.push(this.record(line, customId, ids[0] ?? '', { kind: 'stopped', reason }));
        if (step.length < STEP) continue;
        await Promise.all(step);
        step = [];
      }
    } finally {
      await Promise.all(step);
    }
  }

  /** Resolves once no line runs, all results are durable, and all lines are done or the batch is stopped; or it is lost. */
  drained(): Promise<void> {
    return new Promise(resolve => {
      this.waitsForDrain = resolve;
      this.look();
    });
  }

  /** Something may have changed that {@link drained} waits for. */
  look(): void {
    if (this.isLost) this.waitsForDrain?.();
    if (this.underWay === 0 && this.unwritten === 0 && (this.stop !== undefined || !this.hasMore))
      this.waitsForDrain?.();
  }

  /** From now on it is another node's. */
  lose(): void {
    this.isLost = true;
    for (const writer of [this.outputWriter, this.errorWriter]) writer.lose();
    this.look();
  }

  async close(): Promise<void> {
    await Promise.all([this.outputWriter.close(), this.errorWriter.close()]);
  }

  private async taken(nowMs: number): Promise<FileLine | undefined> {
    const again = this.waiting.takeDue(nowMs) ?? this.backlog.shift();
    if (again) return again;
    while (!this.waiting.isFull) {
      const line = await this.reader.next();
      if (!line) this.isRead = true;
      if (!line || !this.doneLines.has(line.number)) return line;
    }
    return undefined;
  }

  /** Each of them, up to the first that there is not. Resolves to whether there was one. @throws whatever `cancel` does: the line is to be taken again */
  private async cancelled(
    line: FileLine,
    ids: readonly string[],
    cancel: (taskId: string) => Promise<boolean>,
  ): Promise<boolean> {
    try {
      for (const [at, id] of ids.entries()) if (!(await cancel(id))) return at > 0;
      return true;
    } catch (thrown) {
      this.putBack(line);
      throw thrown;
    }
  }
}
