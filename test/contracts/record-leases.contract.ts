import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiRecords } from '../../src/records/api-records.port';
import type { RecordLease } from '../../src/records/record-lease';
import type { RecordLeases } from '../../src/records/record-leases.port';
import type { FileContents } from '../../src/uploads/file-contents.port';
import { record } from './api-records.contract';

export interface LeasesSetup {
  readonly leases: RecordLeases;
  readonly records: ApiRecords;
  readonly contents: FileContents;
}

/** What holds whether there are other nodes or not. */
export function recordLeasesContract(name: string, setUp: () => Promise<LeasesSetup>): void {
  describe(name, () => {
    let leases: RecordLeases;
    let records: ApiRecords;
    let contents: FileContents;
    beforeEach(async () => {
      ({ leases, records, contents } = await setUp());
    });

    const taken = async (id: string): Promise<RecordLease> => {
      const lease = await leases.take('batch', id);
      if (!lease) throw new Error('it is free');
      return lease;
    };

    it('gives the right to what is new, and who has it writes by it (B-ND-014)', async () => {
      const lease = await taken('a');
      await records.insert(record('a', { kind: 'batch', text: '1' }), lease);
      expect(await records.revise(record('a', { kind: 'batch', text: '2' }), '1', lease)).toBe(true);
      expect(await records.revise(record('a', { kind: 'batch', text: '3' }), '1', lease)).toBe(false);
      await contents.append('file-a', 0, Buffer.from('one'), lease);
      await contents.append('file-a', 3, Buffer.from('two'), lease);
      await contents.truncate('file-a', 3, lease);
      expect((await contents.read('file-a', 0, 9)).toString()).toBe('one');
    });

    it('is done with what has ended, asked or not', async () => {
      const lease = await taken('a');
      await records.insert(record('a', { kind: 'batch' }), lease);
      await leases.ask('batch', 'a');
      await leases.ask('batch', 'none');
      await records.remove('batch', 'a');
      await leases.end(lease);
      await leases.end(lease);
      expect([leases.elsewhere('batch'), [...(await leases.said('batch', ['a']))]]).toEqual([0, []]);
    });
  });
}
