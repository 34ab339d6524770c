import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import { ApiRecords, type FileRemoval, type KeptRecord } from '../records/api-records.port';
import type { RecordLease } from '../records/record-lease';
import { Clock } from '../time/clock';
import { RunningTime } from '../time/running-time';
import type { Purpose, StoredFile } from './stored-file';

const SECOND_MS = 1000;
/** Looked at in one go where only some are wanted. */
const STEP = 200;

export interface FileListQuery {
  readonly purpose?: Purpose;
  readonly after?: string;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
}

/** Which files there are. */
@Injectable()
export class FileRecords {
  constructor(
    private readonly config: Config,
    private readonly records: ApiRecords,
    private readonly clock: Clock,
    private readonly runningTime: RunningTime,
  ) {}

  /** @param keptMs from now on; as long as files are kept unless given. @throws LeaseLost */
  async insert(
    file: Pick<StoredFile, 'id' | 'filename' | 'purpose' | 'bytes'>,
    keptMs = this.config.fileRetentionMs,
    lease?: RecordLease,
  ): Promise<StoredFile> {
    const createdAt = this.clock.wallSeconds();
    const stored = { ...file, createdAt, expiresAt: createdAt + Math.ceil(keptMs / SECOND_MS) };
    const keptFromMs = this.runningTime.nowMs() + keptMs;
    const record = { kind: 'file', id: file.id, text: JSON.stringify(stored), isOpen: false, keptFromMs } as const;
    await this.records.insert(record, lease);
    return stored;
  }

  async count(): Promise<number> {
    return (await this.records.totals('file')).records;
  }

  async find(id: string): Promise<StoredFile | undefined> {
    const record = await this.records.find('file', id);
    return record && fileOf(record);
  }

  /** @throws ServiceError FILE_NOT_FOUND */
  async get(id: string): Promise<StoredFile> {
    const found = await this.find(id);
    if (!found) throw unknownFile(id);
    return found;
  }

  /** Whoever works with it. */
  remove(id: string): Promise<boolean> {
    return this.records.remove('file', id);
  }

  /** Unless a batch that has not ended works with it. */
  removeFree(id: string): Promise<FileRemoval> {
    return this.records.removeFile(id);
  }

  /** Up to `limit` of them. @throws ServiceError INVALID_PARAMS for an `after` that is no file (any more) */
  async list({ purpose, after, order, limit }: FileListQuery): Promise<readonly StoredFile[]> {
    const found: StoredFile[] = [];
    let afterSeq = after === undefined ? undefined : await this.placeOf(after);
    while (found.length < limit) {
      const page = await this.records.list({
        kind: 'file',
        order: order === 'asc' ? 'oldest first' : 'newest first',
        limit: STEP,
        ...(afterSeq !== undefined && { afterSeq }),
      });
      for (const record of page) {
        const file = fileOf(record);
        if (found.length < limit && (purpose === undefined || file.purpose === purpose)) found.push(file);
      }
      afterSeq = page.at(-1)?.seq;
      if (page.length < STEP) break;
    }
    return found;
  }

  /** Ids of up to `limit` whose time is over. */
  expired(limit: number): Promise<readonly string[]> {
    return this.records.expired('file', this.runningTime.nowMs(), limit);
  }

  private async placeOf(id: string): Promise<number> {
    const record = await this.records.find('file', id);
    if (record) return record.seq;
    throw unknownFile(id, 'after');
  }
}

/** What is shown of an id that names nothing. */
export function unknownFile(id: string, field?: string): ServiceError {
  const message = `There is no file ${id.toWellFormed().slice(0, 128)}.`;
  return new ServiceError('FILE_NOT_FOUND', { message, ...(field !== undefined && { field }) });
}

function fileOf({ text }: KeptRecord): StoredFile {
  return JSON.parse(text) as StoredFile;
}
