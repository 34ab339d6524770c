import { beforeEach, describe, expect, it } from 'vitest';
import type { CatalogChange, ModelCatalog, ModelEntry } from '../../src/catalog/model-catalog.port';

export interface ModelCatalogSetup {
  readonly catalog: ModelCatalog;
  /** The same catalogue after its process was killed. */
  readonly reopen: () => Promise<ModelCatalog>;
}

export const modelEntry = (id: string, change: Partial<ModelEntry> = {}): ModelEntry => ({
  id,
  state: 'Active',
  tags: [],
  createdAtMs: 1,
  ...change,
});

/** What every model catalogue promises. */
export function modelCatalogContract(name: string, setUp: () => Promise<ModelCatalogSetup>): void {
  describe(name, () => {
    let setup: ModelCatalogSetup;
    let catalog: ModelCatalog;
    beforeEach(async () => {
      setup = await setUp();
      catalog = setup.catalog;
    });

    it('tells each change once it is so', async () => {
      const told: CatalogChange[] = [];
      catalog.changes$.subscribe(change => told.push(change));
      await catalog.create(modelEntry('a'));
      await catalog.create(modelEntry('a'));
      const retired = await catalog.update('a', entry => ({ ...entry, state: 'Retired' }));
      await catalog.update('nobody', entry => entry);
      await catalog.delete('a');
      await catalog.delete('a');
      expect(told).toEqual([
        { id: 'a', entry: modelEntry('a') },
        { id: 'a', entry: retired },
        { id: 'a', entry: undefined },
      ]);
    });

    it('keeps entries over a restart, whatever their ids look like', async () => {
      const ids = [
        'llama-3-8b',
        'org/model:q4',
        'a/b/c',
        'x'.repeat(256),
        'A',
        '../../etc/passwd',
        'a\0b',
        '%2e%2e',
        'é',
      ];
      for (const id of ids) expect(await catalog.create(modelEntry(id))).toBe(true);
      const again = await setup.reopen();
      expect((await again.list(undefined, 100)).map(({ id }) => id)).toEqual([...ids].sort());
      for (const id of ids) expect(await again.find(id)).toEqual(modelEntry(id));
    });

    it('keeps every field of an entry', async () => {
      const full: ModelEntry = {
        ...modelEntry('full', { state: 'Retired', tags: ['a', 'ü'] }),
        ...{ digest: 'sha256:abc', sourceUrl: 'hf:org/model', localPath: 'org/model.gguf' },
        ...{ manifests: [{ a: null }], signatures: 'text', sbom: { deep: [1, 2.5] }, trustPolicy: false },
        ...{ lastVerifiedMs: 3, retireDeadlineAtMs: 4, verification: { result: 'failed', reason: 'digest_mismatch' } },
      };
      await catalog.create(full);
      expect(await (await setup.reopen()).find('full')).toEqual(full);
    });

    it('makes an entry once, of many that make it at once', async () => {
      const made = await Promise.all(
        Array.from({ length: 20 }, (_, n) => catalog.create(modelEntry('m', { createdAtMs: n }))),
      );
      expect(made.filter(Boolean)).toHaveLength(1);
      const kept = await catalog.find('m');
      expect(kept?.createdAtMs).toBe(made.indexOf(true));
      expect(await (await setup.reopen()).find('m')).toEqual(kept);
    });

    it('loses no change of many at once', async () => {
      await catalog.create(modelEntry('m'));
      const add = (tag: string) => (old: ModelEntry) => ({ ...old, tags: [...old.tags, tag] });
      await Promise.all(Array.from({ length: 30 }, (_, n) => catalog.update('m', add(String(n)))));
      expect((await (await setup.reopen()).find('m'))?.tags).toHaveLength(30);
    });

    it('changes nothing when the change throws, and goes on', async () => {
      await catalog.create(modelEntry('m'));
      const failing = catalog.update('m', () => {
        throw new Error('no');
      });
      const following = catalog.update('m', old => ({ ...old, tags: ['after'] }));
      await expect(failing).rejects.toThrow('no');
      expect((await following)?.tags).toEqual(['after']);
    });

    it('pages by id, also from an id that is gone', async () => {
      for (const id of ['d', 'b', 'a', 'c']) await catalog.create(modelEntry(id));
      const page = async (after: string | undefined, limit: number) =>
        (await catalog.list(after, limit)).map(({ id }) => id);
      expect(await page(undefined, 2)).toEqual(['a', 'b']);
      await catalog.delete('b');
      expect(await page('b', 5)).toEqual(['c', 'd']);
      expect(await page('d', 5)).toEqual([]);
      await catalog.create(modelEntry('bb'));
      expect(await page(undefined, 5)).toEqual(['a', 'bb', 'c', 'd']);
    });

    it('has nothing for what is unknown or deleted', async () => {
      await catalog.create(modelEntry('m'));
      expect(await catalog.delete('m')).toEqual(modelEntry('m'));
      for (const opened of [catalog, await setup.reopen()]) {
        for (const id of ['m', 'unknown', '']) {
          expect(await opened.find(id)).toBeUndefined();
          expect(await opened.delete(id)).toBeUndefined();
          expect(await opened.update(id, old => old)).toBeUndefined();
        }
      }
    });
  });
}
