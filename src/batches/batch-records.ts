import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import { ApiRecords, type ApiRecord, type KeptRecord } from '../records/api-records.port';
import { fileMembers } from '../records/named-files';
import type { RecordLease } from '../records/record-lease';
import { RunningTime } from '../time/running-time';
import { isOpen, type StoredBatch } from './batch/stored-batch';

/** Removed beside one that has ended. */
const TRIM_STEP = 20;

/** Which batches there are. */
@Injectable()
export class BatchRecords {
  constructor(
    private readonly config: Config,
    private readonly records: ApiRecords,
    private readonly runningTime: RunningTime,
  ) {}

  /** Where its file is there, which is there from then on until it ends; resolves to whether it was. @throws LeaseLost */
  insert(batch: StoredBatch, lease: RecordLease): Promise<boolean> {
    return this.records.insertFor(batch.inputFileId, this.recordOf(batch), lease);
  }

  /** Where it still is as it `was`, and the lease still this node's; resolves to whether it was done. @throws LeaseLost */
  async revise(batch: StoredBatch, was: StoredBatch, lease?: RecordLease): Promise<boolean> {
    const revised = this.records.revise(this.recordOf(batch), JSON.stringify(was), lease);
    const most = { records: this.config.batchesKeptMax, bytes: Number.MAX_SAFE_INTEGER };
    const trimmed = isOpen(batch) ? undefined : this.records.trim('batch', most, TRIM_STEP);
    const [isDone] = await Promise.all([revised, trimmed]);
    return isDone;
  }

  /** Resolves to whether there was one. */
  remove(id: string): Promise<boolean> {
    return this.records.remove('batch', id);
  }

  async find(id: string): Promise<StoredBatch | undefined> {
    const record = await this.records.find('batch', id);
    return record && batchOf(record);
  }

  /** @throws ServiceError BATCH_NOT_FOUND */
  async get(id: string): Promise<StoredBatch> {
    const found = await this.find(id);
    if (found) return found;
    throw unknownBatch(id);
  }

  /** Newest first. @throws ServiceError BATCH_NOT_FOUND for an `after` that is no batch */
  async list(after: string | undefined, limit: number): Promise<readonly StoredBatch[]> {
    const place = after === undefined ? undefined : await this.records.find('batch', after);
    if (after !== undefined && !place) throw unknownBatch(after, 'after');
    const page = { kind: 'batch', order: 'newest first', limit, ...(place && { afterSeq: place.seq }) } as const;
    return (await this.records.list(page)).map(batchOf);
  }

  /** Those that have not ended, oldest first. */
  async open(): Promise<readonly StoredBatch[]> {
    return (await this.records.open('batch')).map(batchOf);
  }

  /** Forgets up to `limit` whose time is over; resolves to how many. */
  async expire(limit: number): Promise<number> {
    const ids = await this.records.expired('batch', this.runningTime.nowMs() - this.config.batchRetentionMs, limit);
    for (const id of ids) await this.records.remove('batch', id);
    return ids.length;
  }

  private recordOf(batch: StoredBatch): ApiRecord {
    const isStillOpen = isOpen(batch);
    return {
      kind: 'batch',
      id: batch.id,
      text: JSON.stringify(batch),
      isOpen: isStillOpen,
      // Its own, too: one that was taken away before its end would be told of with it, or run again by whoever adopts it.
      ...(isStillOpen && { holds: fileMembers.map(member => batch[member]) }),
      ...(!isStillOpen && { keptFromMs: this.runningTime.nowMs() }),
    };
  }
}

function unknownBatch(id: string, field?: string): ServiceError {
  const message = `There is no batch ${id.toWellFormed().slice(0, 128)}.`;
  return new ServiceError('BATCH_NOT_FOUND', { message, ...(field !== undefined && { field }) });
}

function batchOf({ text }: KeptRecord): StoredBatch {
  return JSON.parse(text) as StoredBatch;
}
