import { spawnSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelEntry } from '../../../test/contracts/model-catalog.contract';
import { temporaryFolder } from '../../../test/support/temporary-folder';
import { canonicalDocument } from '../../artifacts/canonical-json';
import { loadConfig } from '../../config/config';
import { Logger } from '../../observability/logger';
import { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { FileArtifactStore } from './file-artifact-store';
import { FsCatalog } from './fs-catalog';

const disk = temporaryFolder();
/** A disk of one mebibyte; only root can have one. */
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk.path]).status === 0;

function fillUp(path: string): never {
  for (;;) appendFileSync(path, 'x'.repeat(4096));
}

const opened: (FileArtifactStore | FsCatalog)[] = [];
afterAll(async () => {
  for (const each of opened) await each.onModuleDestroy();
  if (isMounted) spawnSync('umount', [disk.path]);
  disk.remove();
});

describe.skipIf(!isMounted)('on a full disk', () => {
  const { config } = loadConfig({ ORCHD_DATA_DIR: disk.path });
  const narrator = new Narrator(new Logger(config, { write: () => undefined }));
  let store: FileArtifactStore;
  let catalog: FsCatalog;
  const open = async (): Promise<void> => {
    store = new FileArtifactStore(config, new Clock(), new RunningTime(), narrator, new Alarms(new Clock()));
    catalog = new FsCatalog(config, narrator);
    await store.onModuleInit();
    await catalog.onModuleInit();
    opened.push(store, catalog);
  };
  beforeAll(async () => {
    await open();
    await catalog.create(modelEntry('known'));
  });

  it('acknowledges nothing that is not stored whole, leaves nothing half, and goes on when there is room', async () => {
    const docs = Array.from({ length: 40 }, (_, n) => canonicalDocument({ n, text: 'x'.repeat(60_000) }));
    const puts = await Promise.allSettled(docs.map(doc => store.put(doc, 'document')));
    const refusals = puts.flatMap(put => (put.status === 'rejected' ? [put.reason as unknown] : []));
    expect(refusals.length).toBeGreaterThan(20);
    for (const reason of refusals) expect(reason).toMatchObject({ code: 'STORAGE_FULL', status: 507 });

    const files = readdirSync(join(disk.path, 'artifacts'), { recursive: true, encoding: 'utf8' });
    expect(files.filter(name => name.includes('.tmp-'))).toEqual([]);
    expect(files.filter(name => name.endsWith('.json'))).toHaveLength(puts.length - refusals.length);
    await open();
    for (const [n, put] of puts.entries()) {
      const { id, json } = docs[n] ?? { id: '', json: '' };
      expect(await store.get(id)).toBe(put.status === 'fulfilled' ? json : undefined);
    }

    expect(() => fillUp(join(disk.path, 'filler'))).toThrow('ENOSPC');
    const entry = readdirSync(join(disk.path, 'catalog'))[0] ?? '';
    const before = readFileSync(join(disk.path, 'catalog', entry), 'utf8');
    const change = catalog.update('known', old => ({ ...old, state: 'Retired' }));
    await expect(change).rejects.toMatchObject({ code: 'STORAGE_FULL', status: 507 });
    expect(readFileSync(join(disk.path, 'catalog', entry), 'utf8')).toBe(before);

    const stored = docs.find((_, n) => puts[n]?.status === 'fulfilled');
    expect(await store.delete(stored?.id ?? '')).toBe(true);
    expect(await catalog.update('known', old => ({ ...old, state: 'Retired' }))).toMatchObject({ state: 'Retired' });
  });
});
