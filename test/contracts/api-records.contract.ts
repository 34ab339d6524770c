import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiRecord, ApiRecords } from '../../src/records/api-records.port';

export interface ApiRecordsSetup {
  readonly records: ApiRecords;
  /** The same records as another process finds them. */
  readonly reopen: () => Promise<ApiRecords>;
}

export const record = (id: string, more: Partial<ApiRecord> = {}): ApiRecord => ({
  kind: 'response',
  id,
  text: `{"of":"${id}"}`,
  isOpen: true,
  ...more,
});

/** What every keeper of the records of APIs promises. */
export function apiRecordsContract(name: string, setUp: () => Promise<ApiRecordsSetup>): void {
  describe(name, () => {
    let records: ApiRecords;
    let reopen: () => Promise<ApiRecords>;
    beforeEach(async () => {
      ({ records, reopen } = await setUp());
    });

    it('finds, replaces and removes records, in the order of the calls', async () => {
      const [, found, isReplaced, again, isRemoved, gone, isBack] = await Promise.all([
        records.insert(record('a')),
        records.find('response', 'a'),
        records.replace(record('a', { text: '{}', isOpen: false, keptFromMs: 5 })),
        records.find('response', 'a'),
        records.remove('response', 'a'),
        records.find('response', 'a'),
        records.replace(record('a')),
      ]);
      expect(found).toMatchObject({ ...record('a'), seq: 1 });
      expect([isReplaced, again]).toMatchObject([true, { text: '{}', isOpen: false, keptFromMs: 5, seq: 1 }]);
      expect([isRemoved, gone, isBack]).toEqual([true, undefined, false]);
      expect([await records.remove('response', 'a'), await records.open('response')]).toEqual([false, []]);
    });

    it('lets one of those revise a record who have read the same (B-RSP-013)', async () => {
      const read = record('a');
      await records.insert(read);
      const texts = Array.from({ length: 5 }, (_, at) => `{"by":${at},"é":"${'é'.repeat(at)}"}`);
      const [first, ...others] = await Promise.all(
        texts.map(text => records.revise(record('a', { text, isOpen: false, keptFromMs: 5 }), read.text)),
      );
      expect([first, others]).toEqual([true, [false, false, false, false]]);
      const text = texts[0] ?? '';
      expect(await records.find('response', 'a')).toMatchObject({ text, isOpen: false, keptFromMs: 5, seq: 1 });
      expect(await records.totals('response')).toEqual({ records: 1, bytes: Buffer.byteLength(text) });
      expect([await records.open('response'), await records.expired('response', 6, 9)]).toEqual([[], ['a']]);
      expect([await records.revise(record('b'), ''), await records.find('response', 'b')]).toEqual([false, undefined]);
    });

    it('keeps ids of one kind and of another apart', async () => {
      await records.insert(record('a'));
      await records.insert(record('a', { kind: 'batch', text: '"another"' }));
      expect(await records.find('batch', 'a')).toMatchObject({ kind: 'batch', text: '"another"' });
      await records.remove('batch', 'a');
      expect(await records.find('response', 'a')).toMatchObject(record('a'));
    });

    it('lists records by kind, from either end', async () => {
      for (const id of ['a', 'b', 'c']) await records.insert(record(id));
      await records.insert(record('x', { kind: 'batch' }));
      const ids = async (order: 'newest first' | 'oldest first', afterSeq?: number): Promise<string[]> =>
        (await records.list({ kind: 'response', order, limit: 2, ...(afterSeq !== undefined && { afterSeq }) })).map(
          ({ id }) => id,
        );
      expect(await ids('newest first')).toEqual(['c', 'b']);
      expect(await ids('newest first', 2)).toEqual(['a']);
      expect(await ids('oldest first', 1)).toEqual(['b', 'c']);
    });

    it('counts them, and removes those that are done with first where there are too many (B-RSP-009)', async () => {
      const text = JSON.stringify('é'.repeat(49)); // Of 100 bytes.
      for (const [at, id] of ['b', 'a', 'c'].entries())
        await records.insert(record(id, { text, isOpen: false, keptFromMs: [2, 1, 3][at] ?? 0 }));
      await records.insert(record('open', { text }));
      await records.insert(record('x', { kind: 'batch', text, isOpen: false, keptFromMs: 0 }));
      expect(await records.totals('response')).toEqual({ records: 4, bytes: 400 });
      expect(await records.trim('response', { records: 4, bytes: 400 }, 9)).toEqual([]);
      expect(await records.trim('response', { records: 3, bytes: 400 }, 9)).toEqual(['a']);
      expect(await records.find('response', 'a')).toBeUndefined();
      await records.replace(record('c', { text: text + text, isOpen: false, keptFromMs: 3 }));
      expect(await records.totals('response')).toEqual({ records: 3, bytes: 400 });
      const again = await reopen();
      expect(await again.trim('response', { records: 3, bytes: 399 }, 9)).toEqual(['b']);
      expect(await again.trim('response', { records: 0, bytes: 0 }, 0)).toEqual([]);
      expect(await again.trim('response', { records: 0, bytes: 0 }, 9)).toEqual(['c']);
      expect(await again.totals('response')).toEqual({ records: 1, bytes: 100 });
      await again.remove('response', 'open');
      expect(await again.totals('response')).toEqual({ records: 0, bytes: 0 });
      expect(await again.totals('batch')).toEqual({ records: 1, bytes: 100 });
    });

    describe('files that open records hold (B-BAT-009)', () => {
      const file = (id: string): ApiRecord => record(id, { kind: 'file', isOpen: false, keptFromMs: 5 });
      const batch = (id: string, holds: readonly string[], more: object = {}): ApiRecord =>
        record(id, { kind: 'batch', holds, ...more });

      it('are removed once the last of those has ended, or is gone', async () => {
        await records.insert(file('f'));
        expect(await records.insertFor('f', batch('a', ['f']))).toBe(true);
        await records.insert(batch('b', ['f', 'to-come']));
        const again = await reopen();
        expect(await again.find('batch', 'b')).toMatchObject({ holds: ['f', 'to-come'] });
        expect((await again.open('batch')).map(({ holds }) => holds)).toEqual([['f'], ['f', 'to-come']]);
        expect([{ heldBy: 'a' }, { heldBy: 'b' }]).toContainEqual(await again.removeFile('f'));
        const ended = { text: '"ended"', isOpen: false, keptFromMs: 5 };
        await again.revise(batch('a', ['f'], ended), record('a').text);
        expect(await again.removeFile('f')).toEqual({ heldBy: 'b' });
        expect(await again.find('batch', 'a')).not.toHaveProperty('holds');
        await again.remove('batch', 'b');
        expect([await again.removeFile('f'), await again.removeFile('f')]).toEqual(['removed', 'none']);
        expect(await again.find('file', 'f')).toBeUndefined();
      });

      it('are held before they are made, and told of by nobody then', async () => {
        await records.insert(batch('a', ['to-come']));
        expect(await records.removeFile('to-come')).toBe('none');
        await records.insert(file('to-come'));
        expect(await records.removeFile('to-come')).toEqual({ heldBy: 'a' });
        await records.replace(batch('a', ['to-come'], { isOpen: false, keptFromMs: 5 }));
        expect(await records.trim('batch', { records: 0, bytes: 0 }, 9)).toEqual(['a']);
        expect(await records.removeFile('to-come')).toBe('removed');
      });

      it('are those that the text of a batch names, where its version did not tell what it holds', async () => {
        const text = JSON.stringify({ id: 'a', inputFileId: 'in', outputFileId: 'out', errorFileId: 'err' });
        const files = ['in', 'out', 'err', 'other'];
        for (const id of files) await records.insert(file(id));
        await records.insert(record('a', { kind: 'batch', text }));
        await records.insert(record('told', { kind: 'batch', text, holds: ['other'] }));
        await records.insert(record('r', { text }));
        for (const damaged of ['null', '{"inputFileId":"in"'])
          await records.insert(record(damaged, { kind: 'batch', text: damaged }));
        const again = await reopen();
        const kept = { text, isOpen: true, holds: ['err', 'in', 'out'] };
        expect(await again.find('batch', 'a')).toMatchObject(kept);
        expect(await again.open('batch')).toMatchObject([kept, { holds: ['other'] }, {}, {}]);
        expect(await again.find('response', 'r')).not.toHaveProperty('holds');
        const held = [{ heldBy: 'a' }, { heldBy: 'a' }, { heldBy: 'a' }, { heldBy: 'told' }];
        for (const [at, id] of files.entries()) expect(await again.removeFile(id)).toEqual(held[at]);
        // Revised by a version that tells it, or by none: it holds the same.
        const revised = JSON.stringify({ ...JSON.parse(text), total: 5 });
        expect(await again.revise(record('a', { kind: 'batch', text: revised }), text)).toBe(true);
        expect(await again.removeFile('in')).toEqual({ heldBy: 'a' });
        await again.replace(record('a', { kind: 'batch', text: revised, isOpen: false, keptFromMs: 5 }));
        expect(await again.find('batch', 'a')).not.toHaveProperty('holds');
        for (const id of files.slice(0, 3)) expect(await again.removeFile(id)).toBe('removed');
      });

      it('are there for whoever comes to hold them, or nothing is done', async () => {
        expect(await records.insertFor('gone', batch('a', ['gone']))).toBe(false);
        expect([await records.find('batch', 'a'), await records.open('batch')]).toEqual([undefined, []]);
        const other = await reopen();
        const outcomes = await Promise.all(
          Array.from({ length: 40 }, async (_, at) => {
            await other.insert(file(`f${at}`));
            const removed = at % 2 === 0 ? other.removeFile(`f${at}`) : undefined;
            const isHeld = await other.insertFor(`f${at}`, batch(`b${at}`, [`f${at}`]));
            return [isHeld, await (removed ?? other.removeFile(`f${at}`))];
          }),
        );
        for (const [at, outcome] of outcomes.entries())
          expect(outcome).toEqual(at % 2 === 0 ? [false, 'removed'] : [true, { heldBy: `b${at}` }]);
      });
    });

    it('has them for another process: all those that are open, and those whose retention is over', async () => {
      const many = Array.from({ length: 230 }, (_, at) => `o${at}`);
      for (const id of many) await records.insert(record(id));
      await records.insert(record('b', { isOpen: false, keptFromMs: 5 }));
      const again = await reopen();
      expect((await again.open('response')).map(({ id }) => id)).toEqual(many);
      expect([await again.expired('response', 5, 9), await again.expired('response', 6, 9)]).toEqual([[], ['b']]);
    });
  });
}
