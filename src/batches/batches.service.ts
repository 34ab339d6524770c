import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { v7 as uuidv7 } from 'uuid';
import { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import { invalid, isNothing, objectIn } from '../json/members';
import { Lifecycle } from '../lifecycle/lifecycle';
import { Narrator } from '../observability/narrator';
import type { Sender } from '../openai/requests/openai-tasks';
import { assertMetadata } from '../responses/requests/response-request';
import { RecordLeases } from '../records/record-leases.port';
import { Clock } from '../time/clock';
import { FileRecords, unknownFile } from '../uploads/file-records';
import { expiryMs } from '../uploads/upload-form';
import { toBatchView, type Progress } from './batch.view';
import type { BatchView, CreateBatchDto } from './batches.dto';
import { BatchRecords } from './batch-records';
import { BatchOwners } from './batch-owners';
import { BatchRunner } from './batch-runner';
import { isOpen, type StoredBatch } from './batch/stored-batch';

const SWEEP_MS = 10_000;
const STEP = 100;
const RETRY_FULL_MS = 60_000;

const unitsMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Batches, for those who ask. */
@Injectable()
export class BatchesService {
  /** Batches whose records are being written. */
  private beginning = 0;

  constructor(
    private readonly config: Config,
    private readonly records: BatchRecords,
    private readonly owners: BatchOwners,
    private readonly runner: BatchRunner,
    private readonly leases: RecordLeases,
    private readonly files: FileRecords,
    private readonly lifecycle: Lifecycle,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Resolves once the batch is durable; its file is looked at after that.
   * @throws ServiceError INVALID_PARAMS, FILE_NOT_FOUND, ADMISSION_REJECT where too many are open, STORAGE_UNAVAILABLE, NOT_READY, SHUTTING_DOWN
   */
  async create(wanted: CreateBatchDto, sender: Sender): Promise<BatchView> {
    this.lifecycle.assertReady();
    const windowMs = this.windowOf(wanted.completion_window);
    if (!isNothing(wanted.metadata)) assertMetadata(wanted.metadata);
    const filesKeptMs = isNothing(wanted.output_expires_after) ? undefined : keptMsOf(wanted.output_expires_after);
    const file = await this.files.find(wanted.input_file_id);
    if (!file) throw unknownFile(wanted.input_file_id, 'input_file_id');
    if (file.purpose !== 'batch') throw invalid('input_file_id', 'be a file that was uploaded for `batch`');
    if (this.owners.openCount + this.beginning >= this.config.batchesMax) throw this.tooMany();
    const batch = this.made(wanted, sender, windowMs, filesKeptMs);
    this.beginning++;
    try {
      // It may have gone since.
      if (!(await this.owners.create(batch))) throw unknownFile(wanted.input_file_id, 'input_file_id');
    } finally {
      this.beginning--;
    }
    this.narrator.tell(`Batch ${batch.id} was accepted.`, { event: 'batch_accepted', batch_id: batch.id });
    return toBatchView(batch);
  }

  /** @throws ServiceError BATCH_NOT_FOUND */
  async get(id: string): Promise<BatchView> {
    const [shown] = await this.shown([await this.records.get(id)]);
    return shown as BatchView;
  }

  async list(after: string | undefined, limit: number): Promise<readonly BatchView[]> {
    return this.shown(await this.records.list(after, limit));
  }

  /** Resolves once it is durable that it is being cancelled; one that has ended stays as it is. @throws ServiceError BATCH_NOT_FOUND */
  async cancel(id: string): Promise<BatchView> {
    await this.owners.cancel(id);
    return this.get(id);
  }

  @Interval(SWEEP_MS)
  async forgetExpired(): Promise<void> {
    if (!this.lifecycle.isReady) return;
    await this.narrator.attend(this.records.expire(STEP), 'Batches could not be forgotten; it is tried again.', {
      event: 'batches_not_expired',
    });
  }

  /** What its run says is newer than its record; at another node as of a second ago at most. */
  private async shown(batches: readonly StoredBatch[]): Promise<readonly BatchView[]> {
    const elsewhere = batches.filter(batch => isOpen(batch) && !this.runner.find(batch.id)).map(({ id }) => id);
    const said = elsewhere.length === 0 ? undefined : await this.leases.said('batch', elsewhere);
    return batches.map(batch => {
      const run = this.runner.find(batch.id);
      if (run) return toBatchView(run.batch, run);
      const text = isOpen(batch) ? said?.get(batch.id) : undefined;
      return toBatchView(batch, text === undefined ? undefined : (JSON.parse(text) as Progress));
    });
  }

  private made(
    { input_file_id: inputFileId, endpoint, completion_window: window, metadata }: CreateBatchDto,
    { correlationId, identity }: Sender,
    windowMs: number,
    filesKeptMs: number | undefined,
  ): StoredBatch {
    const createdAtMs = this.clock.wallMs();
    return {
      id: `batch_${newId()}`,
      endpoint,
      inputFileId,
      outputFileId: `file-${newId()}`,
      errorFileId: `file-${newId()}`,
      window,
      ...(!isNothing(metadata) && { metadata: metadata as Readonly<Record<string, string>> }),
      ...(filesKeptMs !== undefined && { filesKeptMs }),
      correlationId,
      ...(identity !== undefined && { identity }),
      status: 'validating',
      createdAtMs,
      expiresAtMs: createdAtMs + windowMs,
      total: 0,
    };
  }

  private windowOf(text: string): number {
    const { batchWindowMinMs: min, batchWindowMaxMs: max } = this.config;
    const ms = Number(text.slice(0, -1)) * (unitsMs[text.slice(-1)] ?? NaN);
    if (!(ms >= min && ms <= max)) {
      const bounds = `from ${min} to ${max} ms (ORCHD_BATCH_WINDOW_MIN_MS, ORCHD_BATCH_WINDOW_MAX_MS)`;
      throw invalid('completion_window', `be a time ${bounds}`);
    }
    return ms;
  }

  private tooMany(): ServiceError {
    const message = `${this.config.batchesMax} batches are open, which is as many as may be (ORCHD_BATCHES_MAX).`;
    return new ServiceError('ADMISSION_REJECT', { message, retryAfterMs: RETRY_FULL_MS });
  }
}

function keptMsOf(value: unknown): number {
  const { anchor, seconds } = objectIn('output_expires_after', value);
  if (anchor !== 'created_at') throw invalid('output_expires_after.anchor', 'be created_at');
  return expiryMs('output_expires_after.seconds', seconds);
}

function newId(): string {
  return uuidv7().replaceAll('-', '');
}
