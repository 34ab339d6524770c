import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import { MetricsService } from '../observability/metrics.service';
import { Narrator } from '../observability/narrator';
import { LeaseLost, type RecordLease } from '../records/record-lease';
import { RecordLeases } from '../records/record-leases.port';
import { Canceller } from '../tasks/ending/canceller';
import { Alarms, type Alarm } from '../time/alarms';
import { Clock } from '../time/clock';
import { FileContents } from '../uploads/file-contents.port';
import { FileRecords } from '../uploads/file-records';
import { BatchRecords } from './batch-records';
import { FileChecks } from './lines/file-checks';
import type { FileFault } from './lines/file-check';
import { openStatuses, type EndStatus, type Stop, type StoredBatch } from './batch/stored-batch';
import { BatchRun } from './work/batch-run';
import { LineFeeder } from './work/line-feeder';
import { RunRecord } from './work/run-record';

/** So long after a step has failed, for want of storage mostly, it is tried again. */
const RETRY_MS = 1000;

/** Takes each batch from its beginning to its end: its file is looked at, its lines run, its files are made known. */
@Injectable()
export class BatchRunner implements OnModuleDestroy {
  /** Those that are open and run here, by id. */
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
    private readonly leases: RecordLeases,
    private readonly canceller: Canceller,
    private readonly metrics: MetricsService,
    private readonly alarms: Alarms,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

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

  /** Of a batch whose record is durable, by a lease that is this node's. */
  begin(batch: StoredBatch, lease: RecordLease, isResumed = false): void {
    const { id, expiresAtMs } = batch;
    const lose = (): void => this.giveUp(lease);
    const kept = new RunRecord(this.records, batch, lease, () => this.cancelTasks(run));
    const run = new BatchRun(kept, this.contents, this.config.batchLineMaxBytes, this.narrator, isResumed, lose);
    run.endsAtMs = this.clock.nowMs() + expiresAtMs - this.clock.wallMs();
    this.runs.set(id, run);
    this.leases.say(lease, () => progressText(run));
    this.expiries.set(
      id,
      this.alarms.at(run.endsAtMs, () => void this.attend(run, this.stop(run, 'expired'))),
    );
    this.countOpen();
    void this.attend(run, this.live(run));
  }

  /** Another node has it, or will: nothing of it is written here any more. Its lines' tasks go on, for whoever has it. */
  lose({ id, token }: RecordLease): void {
    const run = this.runs.get(id);
    if (run?.kept.lease.token !== token) return;
    this.forget(run);
    this.feeder.remove(run);
    run.lose();
    this.narrator.tell(`Batch ${id} is another node's from now on.`, { event: 'batch_left', batch_id: id });
  }

  /** A write was refused: should the lease still be this node's, whoever takes it next begins by what there is. */
  private giveUp(lease: RecordLease): void {
    this.lose(lease);
    void this.leases.end(lease);
  }

  /** All of them. */
  loseAll(): void {
    for (const { kept } of [...this.runs.values()]) this.lose(kept.lease);
  }

  /**
   * Resolves once it is durable that the batch is being cancelled, whoever has begun that; to false where it is another node's by now. One that is being ended already goes on
   * ending.
   */
  async cancel(run: BatchRun): Promise<boolean> {
    try {
      await this.stop(run, 'cancelled');
      return true;
    } catch (thrown) {
      if (!(thrown instanceof LeaseLost)) throw thrown;
      this.giveUp(run.kept.lease);
      return false;
    }
  }

  private async live(run: BatchRun): Promise<void> {
    if (run.batch.status === 'validating' && !(await this.validate(run))) return;
    await this.insist(run, () => run.open());
    if (this.isOver(run)) return;
    this.feeder.add(run);
    await run.drained();
    this.feeder.remove(run);
    if (this.isOver(run)) return;
    await this.insist(run, () => this.finish(run));
  }

  /** False where the batch has ended by it, or the service is closing. */
  private async validate(run: BatchRun): Promise<boolean> {
    const { endpoint, inputFileId } = run.batch;
    const { batchMaxLines: maxLines, batchLineMaxBytes: maxLineBytes } = this.config;
    const bounds = { endpoint, maxLines, maxLineBytes };
    const isWanted = (): boolean => !run.stop && !this.isOver(run);
    const verdict = await this.insist(run, () => this.checks.check(inputFileId, bounds, isWanted));
    if (this.isOver(run)) return false;
    if (run.stop) return true;
    if (!verdict || verdict.faults.length > 0) {
      await this.end(run, 'failed', { faults: verdict?.faults ?? [unread] });
      return false;
    }
    const begun = { status: 'in_progress', total: verdict.lines, inProgressAtMs: this.clock.wallMs() } as const;
    await this.insist(run, () => this.set(run, begun));
    return !this.isOver(run);
  }

  private async finish(run: BatchRun): Promise<void> {
    if (!run.stop) await this.set(run, { status: 'finalizing', finalizingAtMs: this.clock.wallMs() });
    // That it is finalizing and that another node has cancelled it may have met.
    const { stop } = run;
    const cancel = (taskId: string): Promise<boolean> => this.cancelTask(taskId);
    if (stop && run.batch.inProgressAtMs !== undefined) await run.recordRest(stop, cancel);
    if (this.isOver(run)) return;
    const { outputFileId, errorFileId } = run.batch;
    const { counts, bytes, usage } = run;
    if (counts.completed > 0) await this.keepFile(run, outputFileId, 'output', bytes.output);
    if (counts.failed > 0) await this.keepFile(run, errorFileId, 'error', bytes.errors);
    const fault = shortfall(run);
    await this.end(run, stop ?? (fault ? 'failed' : 'completed'), { counts, usage, ...(fault && { faults: [fault] }) });
  }

  private async keepFile({ kept, batch }: BatchRun, id: string, name: string, bytes: number): Promise<void> {
    if (await this.files.find(id)) return; // A process before had come so far.
    const file = { id, filename: `${batch.id}_${name}.jsonl`, purpose: 'batch_output', bytes } as const;
    await this.files.insert(file, batch.filesKeptMs, kept.lease);
  }

  private async stop(run: BatchRun, stop: Stop): Promise<void> {
    const { status } = run.batch;
    if (run.stop) return run.kept.settled();
    if (run.isEnding || status === 'finalizing' || !this.runs.has(run.batch.id)) return;
    const cancelling = { status: 'cancelling', cancellingAtMs: this.clock.wallMs() } as const;
    const saved = this.set(run, { stop, ...(stop === 'cancelled' && cancelling) });
    const isOurs = await saved.then(
      () => true,
      thrown => !(thrown instanceof LeaseLost),
    );
    // Also where it could not be written now: what follows writes it, and nothing else would bring the end about.
    if (isOurs) this.cancelTasks(run);
    await saved;
  }

  private cancelTasks(run: BatchRun): void {
    for (const taskId of run.tasks) void this.insist(run, async () => run.tasks.has(taskId) && this.cancelTask(taskId));
    run.look();
  }

  /** False where there is no such task. */
  private async cancelTask(taskId: string): Promise<boolean> {
    try {
      await this.canceller.cancel(taskId, 'client');
      return true;
    } catch (thrown) {
      // It was not admitted yet, and will not be; or it has ended.
      if (!(thrown instanceof ServiceError) || thrown.code !== 'TASK_NOT_FOUND') throw thrown;
      return false;
    }
  }

  /** Told once it is durable: what has ended does not go on after a crash, and its file can be deleted. */
  private async end(run: BatchRun, status: EndStatus, more: Partial<StoredBatch>): Promise<void> {
    run.isEnding = true;
    const ended = { ...more, status, endedAtMs: this.clock.wallMs() };
    await this.insist(run, () => run.kept.end(ended));
    if (this.isOver(run)) return;
    const { id } = run.batch;
    this.forget(run);
    await this.leases.end(run.kept.lease);
    const { completed, failed } = run.counts;
    this.narrator.tell(`Batch ${id} has ended as ${status}: ${completed} lines are done, ${failed} failed.`, {
      event: `batch_${status}`,
      batch_id: id,
      lines_completed: completed,
      lines_failed: failed,
    });
  }

  private forget(run: BatchRun): void {
    const { id } = run.batch;
    this.runs.delete(id);
    this.expiries.get(id)?.cancel();
    this.expiries.delete(id);
    this.countOpen();
  }

  private async set(run: BatchRun, change: Partial<StoredBatch>): Promise<void> {
    const saved = run.kept.set(change);
    this.countOpen();
    await saved;
  }

  private isOver(run: BatchRun): boolean {
    return this.isClosed || run.isLost;
  }

  private countOpen(): void {
    const counts = new Map<string, number>(openStatuses.map(status => [status, 0]));
    for (const { batch } of this.runs.values()) counts.set(batch.status, (counts.get(batch.status) ?? 0) + 1);
    for (const [status, count] of counts) this.metrics.openBatches(status, count);
  }

  /** Until it succeeds, or the service closes, or the batch is another node's. */
  private async insist<T>(run: BatchRun, step: () => Promise<T>): Promise<T | undefined> {
    for (;;) {
      try {
        return await step();
      } catch (thrown) {
        if (thrown instanceof LeaseLost) this.giveUp(run.kept.lease);
        if (this.isOver(run)) return undefined;
        const human = 'A step of a batch failed; it is tried again every second.';
        this.narrator.warn(human, { event: 'batch_step_failed' }, thrown);
        await new Promise(resolve => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  private attend(run: BatchRun, work: Promise<unknown>): Promise<void> {
    const fields = { event: 'batch_broken', batch_id: run.batch.id };
    const known = work.catch((thrown: unknown) => {
      if (!(thrown instanceof LeaseLost)) throw thrown;
      this.giveUp(run.kept.lease);
    });
    return this.narrator.attend(known, 'A batch cannot go on; the next start takes it up.', fields);
  }
}

const unread: FileFault = {
  code: 'unreadable_file',
  message: 'the file could not be read',
  param: 'input_file_id',
  line: null,
};

/** Where its results are not one for each line that it was found to have: storage has lost some of what it had acknowledged. */
function shortfall({ batch, counts }: BatchRun): FileFault | undefined {
  const { total, inProgressAtMs } = batch;
  const found = counts.completed + counts.failed;
  if (inProgressAtMs === undefined || found === total) return undefined;
  const message = `the file was found to have ${total} lines, and there are results of ${found}: the others could not be read any more`;
  return { code: 'lines_missing', message, param: 'input_file_id', line: null };
}

/** For other nodes. */
function progressText({ counts, usage }: BatchRun): string {
  return JSON.stringify({ counts, usage });
}
