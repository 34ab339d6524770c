import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import type { ModelEntry } from '../../catalog/model-catalog.port';
import { loadConfig } from '../../config/config';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import { FsCatalog } from './fs-catalog';

let folder: TemporaryFolder;
let lines: string[];
beforeEach(() => {
  folder = temporaryFolder();
  lines = [];
});
afterEach(() => folder.remove());

async function open(): Promise<FsCatalog> {
  const { config } = loadConfig({ ORCHD_DATA_DIR: folder.path });
  const catalog = new FsCatalog(config, new Narrator(new Logger(config, { write: line => void lines.push(line) })));
  await catalog.onModuleInit();
  return catalog;
}

const entry = (id: string): ModelEntry => ({ id, state: 'Active', tags: [], createdAtMs: 1 });

describe('FsCatalog', () => {
  it('keeps entries over a restart, whatever their ids look like', async () => {
    const ids = ['llama-3-8b', 'org/model:q4', 'a/b/c', 'x'.repeat(256)];
    const catalog = await open();
    for (const id of ids) expect(await catalog.create(entry(id))).toBe(true);
    const again = await open();
    expect((await again.list(undefined, 100)).map(({ id }) => id)).toEqual([...ids].sort());
    expect(await again.find('org/model:q4')).toEqual(entry('org/model:q4'));
  });

  it('does not replace an entry by making it again', async () => {
    const catalog = await open();
    await catalog.create(entry('m'));
    expect(await catalog.create({ ...entry('m'), state: 'Retired' })).toBe(false);
    expect((await catalog.find('m'))?.state).toBe('Active');
  });

  it('loses no change of many at once', async () => {
    const catalog = await open();
    await catalog.create(entry('m'));
    await Promise.all(Array.from({ length: 50 }, (_, n) => catalog.update('m', old => ({ ...old, tags: [...old.tags, String(n)] }))));
    expect((await (await open()).find('m'))?.tags).toHaveLength(50);
  });

  it('pages by id', async () => {
    const catalog = await open();
    for (const id of ['c', 'a', 'b']) await catalog.create(entry(id));
    expect((await catalog.list(undefined, 2)).map(({ id }) => id)).toEqual(['a', 'b']);
    expect((await catalog.list('b', 2)).map(({ id }) => id)).toEqual(['c']);
  });

  it('forgets what is deleted', async () => {
    const catalog = await open();
    await catalog.create(entry('m'));
    expect(await catalog.delete('m')).toMatchObject({ id: 'm' });
    expect(await catalog.delete('m')).toBeUndefined();
    expect(await (await open()).find('m')).toBeUndefined();
  });

  it('names a damaged entry and leaves it alone, and the others are there', async () => {
    const catalog = await open();
    await catalog.create(entry('good'));
    await catalog.create(entry('bad'));
    const root = join(folder.path, 'catalog');
    const [first = ''] = readdirSync(root);
    writeFileSync(join(root, first), '{"id":"good","sta');
    const again = await open();
    expect(await again.list(undefined, 10)).toHaveLength(1);
    expect(lines.join()).toContain('catalog_entry_damaged');
    expect(readdirSync(root)).toContain(first);
  });
});
