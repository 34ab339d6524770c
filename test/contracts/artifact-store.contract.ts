import { beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactStore, CanonicalDocument } from '../../src/artifacts/artifact-store.port';
import { canonicalDocument } from '../../src/artifacts/canonical-json';

export interface ArtifactStoreSetup {
  readonly store: ArtifactStore;
  /** Bytes the store may hold in all. */
  readonly maxBytes: number;
  readonly advance: (ms: number) => void;
  readonly nowMs: () => number;
  /** The same store after its process was killed. */
  readonly reopen: () => Promise<ArtifactStore>;
}

const document = (value: unknown): CanonicalDocument => canonicalDocument(value);

/** What every artifact store promises. */
export function artifactStoreContract(name: string, setUp: () => Promise<ArtifactStoreSetup>): void {
  describe(name, () => {
    let setup: ArtifactStoreSetup;
    let store: ArtifactStore;
    beforeEach(async () => {
      setup = await setUp();
      store = setup.store;
    });

    it('gives back what was put, also after it was opened again (B-ART-020)', async () => {
      const doc = document({ b: [1, 2.5, 'ü'], a: null });
      await store.put(doc, 'document');
      expect(await store.get(doc.id)).toBe(doc.json);
      const again = await setup.reopen();
      expect(await again.get(doc.id)).toBe('{"a":null,"b":[1,2.5,"ü"]}');
      expect(await again.list({ limit: 10 })).toMatchObject([
        { id: doc.id, kind: 'document', bytes: Buffer.byteLength(doc.json) },
      ]);
    });

    it('stores the same content once, however often and at once it is put', async () => {
      const doc = document({ same: true });
      await Promise.all(Array.from({ length: 20 }, () => store.put(doc, 'document')));
      expect(await store.list({ limit: 10 })).toHaveLength(1);
    });

    it('has nothing for an id that was never put', async () => {
      for (const id of ['0'.repeat(64), 'unknown', '../../etc/passwd', 'a\0b', '']) {
        expect(await store.get(id)).toBeUndefined();
        expect(await store.delete(id)).toBe(false);
      }
    });

    it('lists newest first, by kind and by task, page after page', async () => {
      for (let n = 0; n < 7; n++) {
        await store.put(
          document({ n }),
          n % 2 === 0 ? 'transcript' : 'document',
          n % 2 === 0 ? `task-${n % 4}` : undefined,
        );
        setup.advance(1);
      }
      const seen: string[] = [];
      for (let after: { storedAtMs: number; id: string } | undefined; ;) {
        const page = await store.list({ limit: 3, ...(after && { after }) });
        seen.push(...page.map(({ id }) => id));
        const last = page.at(-1);
        if (!last || page.length < 3) break;
        after = { storedAtMs: last.storedAtMs, id: last.id };
      }
      expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0].map(n => document({ n }).id));
      expect(await store.list({ kind: 'document', limit: 10 })).toHaveLength(3);
      expect((await store.list({ taskId: 'task-2', limit: 10 })).map(({ id }) => id)).toEqual(
        [6, 2].map(n => document({ n }).id),
      );
    });

    it('forgets what is deleted, also after it was opened again', async () => {
      const [transcript, upload] = [document({ gone: true }), document({ gone: 'too' })];
      await store.put(transcript, 'transcript', 't');
      await store.put(upload, 'document');
      for (const { id } of [transcript, upload]) {
        expect(await store.delete(id)).toBe(true);
        expect(await store.get(id)).toBeUndefined();
      }
      const next = await setup.reopen();
      for (const { id } of [transcript, upload]) expect(await next.get(id)).toBeUndefined();
      expect(await next.list({ limit: 10 })).toEqual([]);
    });

    it('expires transcripts by age and never documents', async () => {
      await store.put(document('old transcript'), 'transcript', 't1');
      await store.put(document('old document'), 'document');
      setup.advance(1000);
      await store.put(document('new transcript'), 'transcript', 't2');
      expect(await store.expireTranscripts(setup.nowMs() - 500, 10)).toBe(1);
      expect(await store.list({ limit: 10 })).toHaveLength(2);
    });

    it('makes room by its oldest transcripts, never by documents, and says when there is none', async () => {
      const size = Math.floor(setup.maxBytes / 4);
      const big = (n: number): CanonicalDocument => document(`${n}${'x'.repeat(size)}`);
      await store.put(big(0), 'transcript', 't0');
      setup.advance(1);
      for (const n of [1, 2]) await store.put(big(n), 'document');
      await store.put(big(3), 'document');
      expect(await store.get(big(0).id)).toBeUndefined();
      await expect(store.put(big(4), 'document')).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      expect(await store.list({ kind: 'document', limit: 10 })).toHaveLength(3);
    });

    it('finds an artifact by each task that had it, and lists it once', async () => {
      const doc = document({ same: 'for all' });
      for (const taskId of ['t1', 't2', 't1']) {
        await store.put(doc, 'transcript', taskId);
        setup.advance(1);
      }
      for (const opened of [store, await setup.reopen()]) {
        expect(await opened.list({ limit: 10 })).toMatchObject([{ id: doc.id, taskId: 't2' }]);
        for (const taskId of ['t1', 't2']) {
          expect(await opened.list({ taskId, limit: 10 })).toMatchObject([{ id: doc.id, kind: 'transcript', taskId }]);
        }
      }
    });

    it('keeps a shared transcript as long as the youngest task that had it', async () => {
      const doc = document({ same: 'for both' });
      await store.put(doc, 'transcript', 'old');
      setup.advance(1000);
      await store.put(doc, 'transcript', 'young');
      expect(await store.expireTranscripts(setup.nowMs(), 10)).toBe(1);
      expect(await store.get(doc.id)).toBe(doc.json);
      expect(await store.list({ taskId: 'old', limit: 10 })).toEqual([]);
      expect(await store.expireTranscripts(setup.nowMs() + 1, 10)).toBe(1);
      expect(await store.get(doc.id)).toBeUndefined();
    });

    it('keeps what is uploaded while a task puts the same', async () => {
      const doc = document({ events: [] });
      await Promise.all([
        store.put(doc, 'transcript', 't1'),
        store.put(doc, 'document'),
        store.put(doc, 'transcript', 't2'),
      ]);
      expect(await store.list({ limit: 10 })).toMatchObject([{ id: doc.id, kind: 'document' }]);
      expect(await store.list({ taskId: 't2', limit: 10 })).toHaveLength(1);
      setup.advance(1);
      await store.expireTranscripts(setup.nowMs(), 10);
      const again = await setup.reopen();
      expect(await again.get(doc.id)).toBe(doc.json);
      expect(await again.list({ taskId: 't2', limit: 10 })).toEqual([]);
    });

    it('pages through artifacts of one moment, over a restart and past one that was deleted', async () => {
      const ids = Array.from({ length: 9 }, (_, n) => document({ n })).map(doc => doc.id);
      await Promise.all(ids.map((_, n) => store.put(document({ n }), n % 2 ? 'document' : 'transcript')));
      const [first, second, third] = await store.list({ limit: 3 });
      if (!first || !second || !third) throw new Error('too few are listed');
      await store.delete(third.id);
      const rest = await (await setup.reopen()).list({ limit: 100, after: third });
      expect([first, second, third, ...rest].map(({ id }) => id)).toEqual([...ids].sort());
    });

    it('gives up no transcript for a document that would not fit anyway', async () => {
      const half = (n: number): CanonicalDocument => document(`${n}${'x'.repeat(setup.maxBytes * 0.45)}`);
      await store.put(document('a transcript'), 'transcript', 't1');
      await store.put(half(1), 'document');
      await store.put(half(2), 'document');
      await expect(store.put(half(3), 'document')).rejects.toMatchObject({ code: 'STORAGE_FULL', status: 507 });
      expect(await store.list({ kind: 'transcript', limit: 10 })).toHaveLength(1);
    });

    it('holds its bound while many are put at once', async () => {
      const docs = Array.from({ length: 40 }, (_, n) => document(`${n}${'x'.repeat(setup.maxBytes / 10)}`));
      await Promise.all(docs.map((doc, n) => store.put(doc, 'transcript', `t${n}`)));
      const kept = await store.list({ limit: 100 });
      expect(kept.length).toBeGreaterThan(5);
      expect(kept.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(setup.maxBytes);
    });

    it('lets nobody wait for ever who comes while old transcripts make room', async () => {
      const big = document('x'.repeat(setup.maxBytes - 16_384));
      for (let round = 0; round < 20; round++) {
        for (let n = 0; n < 4; n++) await store.put(document({ round, n }), 'transcript', `t${n}`);
        const puts = [store.put(big, 'document')];
        for (let n = 0; n < 12; n++) {
          await (n % 3 === 0 ? new Promise(setImmediate) : Promise.resolve());
          puts.push(store.put(document({ round, late: n }), 'transcript', `late${n}`));
        }
        for (const { status, reason } of (await Promise.allSettled(puts)) as PromiseRejectedResult[]) {
          if (status === 'rejected') expect(reason).toMatchObject({ code: 'STORAGE_FULL' });
        }
        await store.delete(big.id);
      }
    });

    it('leaves no half state where put and delete of one document race', async () => {
      const doc = document({ contested: true });
      for (let round = 0; round < 20; round++) {
        await Promise.all([
          store.put(doc, 'document'),
          store.delete(doc.id),
          store.put(doc, 'document'),
          store.delete(doc.id),
        ]);
        const listed = await store.list({ limit: 10 });
        expect(await store.get(doc.id)).toBe(listed.length === 1 ? doc.json : undefined);
      }
    });
  });
}
