import { Injectable } from '@nestjs/common';
import {
  ApiRecords,
  type ApiRecord,
  type KeptRecord,
  type RecordKind,
  type RecordPage,
  type RecordTotals,
} from '../records/api-records.port';
import { SqliteRecords } from './records/sqlite-records';
import { RedisApiRecords } from './redis/redis-api-records';

/**
 * Of several nodes: records are in the store, but for those of batches, each of which is run by the node that took it: they are on that one's data
 * folder.
 */
@Injectable()
export class RecordsByKind extends ApiRecords {
  constructor(
    private readonly shared: RedisApiRecords,
    private readonly own: SqliteRecords,
  ) {
    super();
  }

  insert(record: ApiRecord): Promise<void> {
    return this.of(record.kind).insert(record);
  }

  replace(record: ApiRecord): Promise<boolean> {
    return this.of(record.kind).replace(record);
  }

  revise(record: ApiRecord, was: string): Promise<boolean> {
    return this.of(record.kind).revise(record, was);
  }

  remove(kind: RecordKind, id: string): Promise<boolean> {
    return this.of(kind).remove(kind, id);
  }

  find(kind: RecordKind, id: string): Promise<KeptRecord | undefined> {
    return this.of(kind).find(kind, id);
  }

  list(page: RecordPage): Promise<readonly KeptRecord[]> {
    return this.of(page.kind).list(page);
  }

  open(kind: RecordKind): Promise<readonly KeptRecord[]> {
    return this.of(kind).open(kind);
  }

  expired(kind: RecordKind, keptBeforeMs: number, limit: number): Promise<readonly string[]> {
    return this.of(kind).expired(kind, keptBeforeMs, limit);
  }

  totals(kind: RecordKind): Promise<RecordTotals> {
    return this.of(kind).totals(kind);
  }

  trim(kind: RecordKind, most: RecordTotals, limit: number): Promise<readonly string[]> {
    return this.of(kind).trim(kind, most, limit);
  }

  private of(kind: RecordKind): ApiRecords {
    return kind === 'batch' ? this.own : this.shared;
  }
}
