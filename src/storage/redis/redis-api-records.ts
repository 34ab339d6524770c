import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  ApiRecords,
  type ApiRecord,
  type FileRemoval,
  type KeptRecord,
  type RecordKind,
  type RecordPage,
  type RecordTotals,
} from '../../records/api-records.port';
import { fileMembers, filesNamedBy } from '../../records/named-files';
import type { RecordLease } from '../../records/record-lease';
import { Store, type Reply } from './connection/store';
import { assertHeld, leaseArguments } from './lease-arguments';
import {
  insertRecordScript,
  listRecordsScript,
  recordTotalsScript,
  removeFileScript,
  removeRecordScript,
  replaceRecordScript,
  reviseRecordScript,
  trimRecordsScript,
} from './scripts/api-record-scripts';

/** Open ones that are read at once: the server does nothing else meanwhile. */
const STEP = 100;

/** Records of the APIs, for all nodes: a hash each. */
@Injectable()
export class RedisApiRecords extends ApiRecords {
  constructor(private readonly store: Store) {
    super();
  }

  async insert(record: ApiRecord, lease?: RecordLease): Promise<void> {
    await this.inserted('', record, lease);
  }

  insertFor(fileId: string, record: ApiRecord, lease?: RecordLease): Promise<boolean> {
    return this.inserted(fileId, record, lease);
  }

  async replace(record: ApiRecord): Promise<boolean> {
    return (await this.store.runDurably(replaceRecordScript, ...argumentsOf(record))) === 1;
  }

  /** The server is sent a digest of what was there: texts are megabytes. */
  async revise(record: ApiRecord, was: string, lease?: RecordLease): Promise<boolean> {
    const digest = createHash('sha1').update(was).digest('hex');
    const args = [...argumentsOf(record), digest, ...leaseArguments(lease)];
    const answer = await this.store.runDurably(reviseRecordScript, ...args);
    assertHeld(answer, lease);
    return answer === 1;
  }

  async remove(kind: RecordKind, id: string): Promise<boolean> {
    return (await this.store.runDurably(removeRecordScript, kind, id)) === 1;
  }

  async removeFile(id: string): Promise<FileRemoval> {
    const answer = await this.store.runDurably(removeFileScript, id, ...fileMembers);
    if (typeof answer === 'string') return { heldBy: answer };
    return answer === 1 ? 'removed' : 'none';
  }

  async find(kind: RecordKind, id: string): Promise<KeptRecord | undefined> {
    const key = `${this.store.prefix}:r:${kind}:${id}`;
    const fields = (await this.store.call('HMGET', key, 'seq', 'text', 'open', 'kept', 'holds')) as readonly Reply[];
    return fields[0] === null ? undefined : keptOf(kind, [id, ...fields]);
  }

  list({ kind, afterSeq, order, limit }: RecordPage): Promise<readonly KeptRecord[]> {
    return this.page(kind, 'rl', order === 'newest first' ? 'newest' : 'oldest', afterSeq, limit);
  }

  async open(kind: RecordKind): Promise<readonly KeptRecord[]> {
    const found: KeptRecord[] = [];
    for (;;) {
      const page = await this.page(kind, 'ro', 'oldest', found.at(-1)?.seq, STEP);
      found.push(...page);
      if (page.length < STEP) return found;
    }
  }

  async totals(kind: RecordKind): Promise<RecordTotals> {
    const [records, bytes] = (await this.store.run(recordTotalsScript, kind)) as readonly number[];
    return { records: Number(records), bytes: Number(bytes) };
  }

  async trim(kind: RecordKind, { records, bytes }: RecordTotals, limit: number): Promise<readonly string[]> {
    return (await this.store.runDurably(trimRecordsScript, kind, records, bytes, limit)) as readonly string[];
  }

  async expired(kind: RecordKind, keptBeforeMs: number, limit: number): Promise<readonly string[]> {
    const range = ['-inf', `(${keptBeforeMs}`, 'LIMIT', '0', String(limit)];
    return (await this.store.call('ZRANGEBYSCORE', `${this.store.prefix}:rk:${kind}`, ...range)) as readonly string[];
  }

  private async inserted(fileId: string, record: ApiRecord, lease: RecordLease | undefined): Promise<boolean> {
    const args = [...argumentsOf(record), fileId, ...leaseArguments(lease)];
    const answer = await this.store.runDurably(insertRecordScript, ...args);
    assertHeld(answer, lease);
    return answer === 1;
  }

  private async page(
    kind: RecordKind,
    set: 'rl' | 'ro',
    order: 'newest' | 'oldest',
    afterSeq: number | undefined,
    limit: number,
  ): Promise<readonly KeptRecord[]> {
    const found = await this.store.run(listRecordsScript, kind, set, order, afterSeq ?? '', limit);
    return (found as readonly Reply[]).map(entry => keptOf(kind, entry as readonly Reply[]));
  }
}

function argumentsOf({ kind, id, text, isOpen, keptFromMs, holds = [] }: ApiRecord): readonly (string | number)[] {
  return [kind, id, text, isOpen ? 1 : 0, keptFromMs ?? '', holds.join(' ')];
}

function keptOf(kind: RecordKind, [id, seq, text, open, kept, holds]: readonly Reply[]): KeptRecord {
  const isOpen = open === '1';
  const isTold = typeof holds === 'string' && holds !== '';
  const held = isTold ? holds.split(' ') : isOpen ? filesNamedBy(kind, String(text)) : [];
  return {
    kind,
    id: String(id),
    seq: Number(seq),
    text: String(text),
    isOpen,
    ...(kept !== '' && { keptFromMs: Number(kept) }),
    ...(held.length > 0 && { holds: [...held].sort() }),
  };
}
