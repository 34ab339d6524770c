import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import { Lifecycle } from '../lifecycle/lifecycle';
import { MetricsService } from '../observability/metrics.service';
import { Narrator } from '../observability/narrator';
import { Canceller } from '../tasks/ending/canceller';
import { Alarms, type Alarm } from '../time/alarms';
import { Clock } from '../time/clock';
import { FileContents } from '../uploads/file-contents.port';
import { FileHolds } from '../uploads/file-holds';
import { FileRecords } from '../uploads/file-records';
import { FileUpkeep } from '../uploads/file-upkeep';
import { BatchRecords } from './batch-records';
import { FileChecks } from './lines/file-checks';
import type { FileFault } from './lines/file-check';
import { openStatuses, type EndStatus, type Stop, type StoredBatch } from './batch/stored-batch';
import { BatchRun } from './work/batch-run';
import { LineFeeder } from './work/line-feeder';

/** So long after a step has failed, for want of storage mostly, it is tried again. */
const RETRY_MS = 1000;

/** Takes each batch from its beginning to its end: its file is looked at, its lines run, its files are made known. */
@Injectable()
export class BatchRunner implements OnModuleInit, OnModuleDestroy {
  /** Those that are open, by id. */
  private readonly runs = new Map<string, BatchRun>();
  private readonly expiries = new Map<string, Alarm>();
  private isClosed = false;

  constructor(
    private readonly config: Config,
    private readonly records: BatchRecords,
    private readonly checks: FileChecks,
    private readonly feeder: LineFeeder,
    private readonly contents: FileContents,
    private readonly files: FileRecords,
    private readonly holds: FileHolds,
    private readonly upkeep: FileUpkeep,
    private readonly canceller: Canceller,
    private readonly lifecycle: Lifecycle,
    private readonly metrics: MetricsService,
    private readonly alarms: Alarms,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    // Files that batches write are nobody's until their batch has ended.
    this.upkeep.spare(async () =>
      (await this.records.open()).flatMap(({ outputFileId, errorFileId }) => [outputFileId, errorFileId]),
    );
    void this.lifecycle.started.then(() =>
      this.narrator.attend(this.resume(), 'Batches of the process before could not be taken up.', {
        event: 'batches_not_resumed',
      }),
    );
  }

  async onModuleDestroy(): Promise<void> {
    this.isClosed = true;
    for (const alarm of this.expiries.values()) alarm.cancel();
    await Promise.all([...this.runs.values()].map(run => run.close()));
  }

  get openCount(): number {
    return this.runs.size;
  }

  /** As it stands, where it is open here. */
  find(id: string): BatchRun | undefined {
    return this.runs.get(id);
  }

  /** Of a batch whose record is durable. */
  begin(batch: StoredBatch, isResumed = false): void {
    const { id, expiresAtMs, inputFileId } = batch;
    const run = new BatchRun(batch, this.contents, this.config.batchLineMaxBytes, this.narrator, isResumed);
    this.runs.set(id, run);
    this.holds.hold(inputFileId, id);
    this.expiries.set(
      id,
      this.alarms.after(expiresAtMs - this.clock.wallMs(), () => void this.attend(run, this.stop(run, 'expired'))),
    );
    this.countOpen();
    void this.attend(run, this.live(run));
  }

  /** Resolves once it is durable that the batch is being cancelled. One that is being ended already goes on ending. */
  cancel(run: BatchRun): Promise<void> {
    return this.stop(run, 'cancelled');
  }

  private async resume(): Promise<void> {
    const open = await this.records.open();
    for (const batch of open) if (!this.runs.has(batch.id)) this.begin(batch, true);
    if (open.length > 0)
      this.narrator.tell(`${open.length} batches go on.`, { event: 'batches_resumed', batches: open.length });
  }

  private async live(run: BatchRun): Promise<void> {
    if (run.batch.status === 'validating' && !(await this.validate(run))) return;
    await this.insist(() => run.open());
    if (this.isClosed) return;
    this.feeder.add(run);
    await run.drained();
    this.feeder.remove(run);
    if (this.isClosed) return;
    await this.insist(() => this.finish(run));
  }

  /** False where the batch has ended by it, or the service is closing. */
  private async validate(run: BatchRun): Promise<boolean> {
    const { endpoint, inputFileId } = run.batch;
    const { batchMaxLines: maxLines, batchLineMaxBytes: maxLineBytes } = this.config;
    const bounds = { endpoint, maxLines, maxLineBytes };
    const isWanted = (): boolean => !run.stop && !this.isClosed;
    const verdict = await this.insist(() => this.checks.check(inputFileId, bounds, isWanted));
    if (this.isClosed) return false;
    if (run.stop) return true;
    if (!verdict || verdict.faults.length > 0) {
      await this.end(run, 'failed', { faults: verdict?.faults ?? [unread] });
      return false;
    }
    await this.set(run, { status: 'in_progress', total: verdict.lines, inProgressAtMs: this.clock.wallMs() });
    return true;
  }

  private async finish(run: BatchRun): Promise<void> {
    const { stop } = run;
    if (!stop) await this.set(run, { status: 'finalizing', finalizingAtMs: this.clock.wallMs() });
    else if (run.batch.inProgressAtMs !== undefined) await run.recordRest(stop);
    if (this.isClosed) return;
    const { id, outputFileId, errorFileId, filesKeptMs } = run.batch;
    const { counts, bytes, usage } = run;
    if (counts.completed > 0) await this.keepFile(outputFileId, `${id}_output.jsonl`, bytes.output, filesKeptMs);
    if (counts.failed > 0) await this.keepFile(errorFileId, `${id}_error.jsonl`, bytes.errors, filesKeptMs);
    await this.end(run, stop ?? 'completed', { counts, usage });
  }

  private async keepFile(id: string, filename: string, bytes: number, keptMs: number | undefined): Promise<void> {
    if (await this.files.find(id)) return; // A process before had come so far.
    await this.files.insert({ id, filename, purpose: 'batch_output', bytes }, keptMs);
  }

  private async stop(run: BatchRun, stop: Stop): Promise<void> {
    const { status } = run.batch;
    if (run.stop || run.isEnding || status === 'finalizing' || !this.runs.has(run.batch.id)) return;
    const cancelling = { status: 'cancelling', cancellingAtMs: this.clock.wallMs() } as const;
    await this.set(run, { stop, ...(stop === 'cancelled' && cancelling) });
    for (const taskId of run.tasks) void this.attend(run, this.cancelTask(taskId));
    run.look();
  }

  private async cancelTask(taskId: string): Promise<void> {
    try {
      await this.canceller.cancel(taskId, 'client');
    } catch (thrown) {
      // It was not admitted yet, and will not be; or it has ended.
      if (!(thrown instanceof ServiceError) || thrown.code !== 'TASK_NOT_FOUND') throw thrown;
    }
  }

  /** Told once it is durable: what has ended does not go on after a crash, and its file can be deleted. */
  private async end(run: BatchRun, status: EndStatus, more: Partial<StoredBatch>): Promise<void> {
    run.isEnding = true;
    const ended: StoredBatch = { ...run.batch, ...more, status, endedAtMs: this.clock.wallMs() };
    await this.insist(() => this.records.replace(ended));
    if (this.isClosed) return;
    run.batch = ended;
    const { id, inputFileId } = ended;
    this.runs.delete(id);
    this.expiries.get(id)?.cancel();
    this.expiries.delete(id);
    this.holds.release(inputFileId, id);
    this.countOpen();
    const { completed, failed } = run.counts;
    this.narrator.tell(`Batch ${id} has ended as ${status}: ${completed} lines are done, ${failed} failed.`, {
      event: `batch_${status}`,
      batch_id: id,
      lines_completed: completed,
      lines_failed: failed,
    });
  }

  /** In memory at once, so that nobody decides by what was; resolves once it is durable. */
  private async set(run: BatchRun, change: Partial<StoredBatch>): Promise<void> {
    run.batch = { ...run.batch, ...change };
    this.countOpen();
    await this.records.replace(run.batch);
  }

  private countOpen(): void {
    const counts = new Map<string, number>(openStatuses.map(status => [status, 0]));
    for (const { batch } of this.runs.values()) counts.set(batch.status, (counts.get(batch.status) ?? 0) + 1);
    for (const [status, count] of counts) this.metrics.openBatches(status, count);
  }

  /** Until it succeeds, or the service closes. */
  private async insist<T>(step: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        return await step();
      } catch (thrown) {
        if (this.isClosed) return undefined;
        const human = 'A step of a batch failed; it is tried again every second.';
        this.narrator.warn(human, { event: 'batch_step_failed' }, thrown);
        await new Promise(resolve => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  private attend(run: BatchRun, work: Promise<unknown>): Promise<void> {
    const fields = { event: 'batch_broken', batch_id: run.batch.id };
    return this.narrator.attend(work, 'A batch cannot go on; the next start takes it up.', fields);
  }
}

const unread: FileFault = {
  code: 'unreadable_file',
  message: 'the file could not be read',
  param: 'input_file_id',
  line: null,
};
