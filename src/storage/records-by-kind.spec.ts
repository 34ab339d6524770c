import { describe, expect, it } from 'vitest';
import type { ApiRecord, ApiRecords } from '../records/api-records.port';
import { RecordsByKind } from './records-by-kind';
import type { SqliteRecords } from './records/sqlite-records';
import type { RedisApiRecords } from './redis/redis-api-records';

describe('RecordsByKind (B-ND-008)', () => {
  it('keeps in the store what every node can serve, and beside their contents what only the node that has them can', async () => {
    const asked: string[] = [];
    const keeper = (name: string): ApiRecords =>
      ({
        open: async (kind: string) => (asked.push(`${name} ${kind}`), []),
        insert: async ({ kind }: ApiRecord) => void asked.push(`${name} ${kind}`),
      }) as unknown as ApiRecords;
    const records = new RecordsByKind(keeper('store') as RedisApiRecords, keeper('own') as SqliteRecords);
    for (const kind of ['response', 'conversation', 'file', 'batch'] as const) {
      await records.open(kind);
      await records.insert({ kind, id: 'x', text: '', isOpen: false });
    }
    expect([...new Set(asked)]).toEqual(['store response', 'store conversation', 'store file', 'own batch']);
  });
});
