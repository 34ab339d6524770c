import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modelCatalogContract, modelEntry } from '../../../test/contracts/model-catalog.contract';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import type { CatalogChange } from '../../catalog/model-catalog.port';
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

async function open(listen: (change: CatalogChange) => void = () => undefined): Promise<FsCatalog> {
  const { config } = loadConfig({ ORCHD_DATA_DIR: folder.path });
  const catalog = new FsCatalog(config, new Narrator(new Logger(config, { write: line => void lines.push(line) })));
  catalog.changes$.subscribe(listen);
  await catalog.onModuleInit();
  return catalog;
}

modelCatalogContract('FsCatalog', async () => ({ catalog: await open(), reopen: () => open() }));

describe('FsCatalog', () => {
  it('tells what it has as it starts', async () => {
    await (await open()).create(modelEntry('a'));
    const told: CatalogChange[] = [];
    await open(change => told.push(change));
    expect(told).toEqual([{ id: 'a', entry: modelEntry('a') }]);
  });

  const root = (): string => join(folder.path, 'catalog');

  it.each([
    ['a torn file', '{"id":"bad","sta'],
    ['an empty one', ''],
    ['no object', '[]'],
    ['another state', JSON.stringify({ ...modelEntry('bad'), state: 'Gone' })],
    ['no tags', JSON.stringify({ ...modelEntry('bad'), tags: undefined })],
    ['a path out of the model directory', JSON.stringify({ ...modelEntry('bad'), localPath: '../x' })],
    ['the id of another', JSON.stringify(modelEntry('good'))],
    ['a huge one', `${' '.repeat(2_000_000)}${JSON.stringify(modelEntry('bad'))}`],
  ])('names %s and leaves it alone, and the others are there', async (_fault, content) => {
    const catalog = await open();
    await catalog.create(modelEntry('bad'));
    const [name = ''] = readdirSync(root());
    await catalog.create(modelEntry('good'));
    writeFileSync(join(root(), name), content);
    const again = await open();
    expect((await again.list(undefined, 10)).map(({ id }) => id)).toEqual(['good']);
    expect(lines.map(line => JSON.parse(line) as unknown)).toMatchObject([
      { event: 'catalog_entry_damaged', file: name },
    ]);
    expect(readFileSync(join(root(), name), 'utf8')).toBe(content);
  });

  it('takes only regular files, under the names it gave them', async () => {
    const catalog = await open();
    await catalog.create(modelEntry('m'));
    const [name = ''] = readdirSync(root());
    renameSync(join(root(), name), join(folder.path, 'elsewhere.json'));
    symlinkSync(join(folder.path, 'elsewhere.json'), join(root(), name));
    execFileSync('mkfifo', [join(root(), 'fifo.json')]);
    expect(await (await open()).list(undefined, 10)).toEqual([]);
    rmSync(join(root(), name));
    renameSync(join(folder.path, 'elsewhere.json'), join(root(), name));
    expect(await (await open()).find('m')).toEqual(modelEntry('m'));
  });

  it('keeps what it had when a change cannot be stored', async () => {
    const catalog = await open();
    await catalog.create(modelEntry('m'));
    renameSync(root(), join(folder.path, 'away'));
    const failure = { code: 'STORAGE_UNAVAILABLE', status: 503 };
    await expect(catalog.update('m', old => ({ ...old, state: 'Retired' }))).rejects.toMatchObject(failure);
    await expect(catalog.create(modelEntry('n'))).rejects.toMatchObject(failure);
    await expect(catalog.delete('m')).rejects.toMatchObject(failure);
    expect(await catalog.list(undefined, 10)).toEqual([modelEntry('m')]);
  });

  it('says when it is full, and takes again what fits', async () => {
    const catalog = await open();
    const mebibytes = (n: number) => modelEntry('m', { sbom: 'x'.repeat(n * 1024 * 1024) });
    await expect(catalog.create(mebibytes(257))).rejects.toMatchObject({ code: 'STORAGE_FULL', status: 507 });
    expect(await catalog.create(modelEntry('m'))).toBe(true);
  });
});

describe('FsCatalog, when its folder is taken away', () => {
  it.each(['deleted', 'replaced by a copy'])('%s, acknowledges nothing more (B-STO-002)', async how => {
    const root = join(folder.path, 'catalog');
    const catalog = await open();
    await catalog.create(modelEntry('known'));
    renameSync(root, `${root}-away`);
    if (how !== 'deleted') cpSync(`${root}-away`, root, { recursive: true });
    const unavailable = { code: 'STORAGE_UNAVAILABLE', status: 503 };
    await expect(catalog.create(modelEntry('new'))).rejects.toMatchObject(unavailable);
    const change = catalog.update('known', entry => ({ ...entry, state: 'Retired' }));
    await expect(change).rejects.toMatchObject(unavailable);
    await expect(catalog.delete('known')).rejects.toMatchObject(unavailable);
    expect(await catalog.find('known')).toMatchObject({ state: 'Active' });
    rmSync(root, { recursive: true, force: true });
    renameSync(`${root}-away`, root);
    expect(await catalog.create(modelEntry('new'))).toBe(true);
    expect(lines.map(line => (JSON.parse(line) as { event: string }).event)).toEqual([
      'files_unwritable',
      'files_writable',
    ]);
  });
});
