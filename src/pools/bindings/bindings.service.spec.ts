import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startEngine, type RunningEngine } from '../../../test/engine/engine';
import { eventually } from '../../../test/support/deadline';
import { bindingOf, startPools, type PoolsUnderTest } from '../../../test/support/pools';
import { temporaryFolder, type TemporaryFolder } from '../../../test/support/temporary-folder';
import { ServiceError } from '../../errors/service-error';
import { MemoryTaskJournal } from '../../storage/memory/task-journal.memory';
import type { KeptBinding } from '../registry/pool-store.port';
import { Alarms } from '../../time/alarms';
import { EngineAddressPolicy } from '../../workers/engine-allow';
import { BindingsService } from './bindings.service';
import type { Binding } from '../registry/pool';
import { PoolRegistry } from '../registry/pool-registry.port';
import { Prober } from '../probing/prober';

/** Nobody listens there. */
const nowhere = 'http://127.0.0.1:9';

let engine: RunningEngine;
let journal: MemoryTaskJournal;
let pools: PoolsUnderTest;
let registry: PoolRegistry;
let bindings: BindingsService;

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  pools = await startPools(env, journal);
  registry = pools.get(PoolRegistry);
  bindings = pools.get(BindingsService);
}

beforeEach(async () => {
  engine = await startEngine({ slots: 2 });
  journal = new MemoryTaskJournal();
  await start();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await pools.close();
  await engine.stop();
});

const replica = () => registry.replica('gpu', 'r0');
const kept = async (): Promise<readonly KeptBinding[]> => (await journal.recover()).bindings;

async function acquire() {
  const lease = await registry.acquire('gpu', 'r0');
  if (!lease) throw new Error('no slot was free');
  return lease;
}

describe('bind', () => {
  it('before what was kept is known stays, and is kept as well', async () => {
    await bindings.bind(bindingOf(engine.url));
    await bindings.restore([]);
    expect(await replica()).toMatchObject({ ready: true });
    expect(await kept()).toMatchObject([{ poolId: 'gpu', replicaId: 'r0' }]);
  });

  it('probes at once and says so once (B-CP-057)', async () => {
    expect(await bindings.bind(bindingOf(engine.url))).toBe('bound');
    expect(await replica()).toMatchObject({ ready: true, slotsFree: 2 });
    expect(await bindings.bind(bindingOf(engine.url))).toBe('renewed');
    expect(pools.told('replica_bound')).toMatchObject([
      { pool_id: 'gpu', replica_id: 'r0', engine: 'llamacpp', source: 'worker', outcome: 'bound' },
    ]);
  });

  it('knows a replica without an address, which is not ready (B-CP-057)', async () => {
    expect(await bindings.bind(bindingOf(undefined))).toBe('bound');
    expect(await replica()).toMatchObject({ ready: false, probed: true });
    await bindings.restore([]);
    expect(await kept()).toEqual([]);
  });

  it.each(['http://169.254.169.254', 'http://[::ffff:169.254.169.254]', 'http://2852039166', 'ftp://127.0.0.1', 'x'])(
    'refuses the address %s before anything is sent there',
    async url => {
      const refused = bindings.bind(bindingOf(url));
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_PARAMS', details: { field: 'url' } });
      expect(await registry.pools()).toEqual([]);
    },
  );

  it('refuses an engine that there is not, naming those there are', async () => {
    const refused = bindings.bind(bindingOf(engine.url, { engine: 'abacus' }));
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_PARAMS', details: { field: 'engine' } });
    await expect(refused).rejects.toThrow('engine must be one of: llamacpp, ');
  });

  it('keeps an engine that is alive where it is, and moves to another address when it is dead (B-BG-005)', async () => {
    await bindings.bind(bindingOf(engine.url));
    expect(await bindings.bind(bindingOf(nowhere))).toBe('kept');
    expect(await replica()).toMatchObject({ url: engine.url, ready: true });
    await engine.stop();
    await bindings.bind(bindingOf(engine.url));
    expect(await bindings.bind(bindingOf(nowhere))).toBe('replaced');
    expect(await replica()).toMatchObject({ url: nowhere, live: false });
  });
});

describe('the key of an engine', () => {
  const keyed = (change: Partial<Binding> = {}) =>
    bindings.bind(bindingOf(keyedEngine.url, { apiKeyFile: 'gpu.key', ...change }));
  let folder: TemporaryFolder;
  let keyedEngine: RunningEngine;

  beforeEach(async () => {
    folder = temporaryFolder();
    keyedEngine = await startEngine({ apiKey: 's3cret' });
    await pools.close();
    await start({ ORCHD_ENGINE_KEYS_DIR: folder.path });
  });
  afterEach(async () => {
    await keyedEngine.stop();
    folder.remove();
  });

  it('is needed by one that wants it, and is looked at anew with each probe (B-CP-061)', async () => {
    await bindings.bind(bindingOf(keyedEngine.url));
    expect(await replica()).toMatchObject({ live: false, lastError: expect.stringContaining('key') as string });
    writeFileSync(join(folder.path, 'gpu.key'), 'wrong');
    await keyed();
    expect(await replica()).toMatchObject({ ready: false });
    writeFileSync(join(folder.path, 'gpu.key'), 's3cret\n');
    await keyed();
    await pools.get(Prober).probeNow('gpu', 'r0');
    expect(await replica()).toMatchObject({ ready: true, apiKeyFile: 'gpu.key' });
  });

  it('is refused by name where it cannot be had, and may be had later', async () => {
    const refused = keyed();
    const details = { field: 'api_key_file', retriable: true };
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_PARAMS', details });
    await expect(refused).rejects.toThrow('api_key_file cannot be used: it cannot be read (ENOENT)');
    expect(await registry.pools()).toEqual([]);
    writeFileSync(join(folder.path, 'gpu.key'), 's3cret');
    expect(await keyed()).toBe('bound');
  });

  it('is kept for the next start by the name of its file', async () => {
    writeFileSync(join(folder.path, 'gpu.key'), 's3cret');
    await bindings.restore([]);
    await keyed();
    const rows = await kept();
    expect(rows).toMatchObject([{ url: keyedEngine.url, apiKeyFile: 'gpu.key' }]);
    expect(JSON.stringify(rows)).not.toContain('s3cret');
    await pools.close();
    journal = new MemoryTaskJournal();
    await start({ ORCHD_ENGINE_KEYS_DIR: folder.path });
    await bindings.restore(rows);
    await eventually(replica, view => view?.ready === true);
  });

  it('of the configured engine is where the configuration says', async () => {
    const path = join(folder.path, 'own');
    writeFileSync(path, 's3cret');
    await pools.close();
    await start({ ORCHD_LLAMACPP_URL: keyedEngine.url, ORCHD_LLAMACPP_API_KEY_FILE: path });
    await eventually(
      () => registry.replica('default', 'r0'),
      view => view?.ready === true,
    );
  });
});

describe('one engine', () => {
  const other = (url: string) => bindings.bind(bindingOf(url, { poolId: 'other' }));

  it.each(['', '/', '/v1', '/v1/'])('is one replica, however its address is spelt: %j', async end => {
    await bindings.bind(bindingOf(engine.url));
    const refused = other(engine.url.replace('http', 'HTTP') + end);
    await expect(refused).rejects.toMatchObject({ code: 'REPLICA_CONFLICT', details: { field: 'url' } });
    await expect(refused).rejects.toThrow('bound as gpu/r0 already');
    expect((await registry.pools()).map(({ poolId, slotsTotal }) => [poolId, slotsTotal])).toEqual([['gpu', 2]]);
    expect(await bindings.bind(bindingOf(engine.url + end))).toBe('renewed');
  });

  it('is one replica, also where its host is called localhost', async () => {
    await bindings.bind(bindingOf(engine.url));
    const url = engine.url.replace('127.0.0.1', 'localhost');
    await expect(other(url)).rejects.toMatchObject({ code: 'REPLICA_CONFLICT', details: { field: 'url' } });
  });

  it('is one replica though two ask for it at once', async () => {
    const asked = await Promise.allSettled([bindings.bind(bindingOf(engine.url)), other(engine.url)]);
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  it('can go to another replica once the first leaves, though that one still works', async () => {
    await bindings.bind(bindingOf(engine.url));
    const lease = await acquire();
    await bindings.unbind('gpu', 'r0');
    expect(await other(engine.url)).toBe('bound');
    lease.release();
  });

  it('is refused to a dead replica, and changes nothing for one that keeps its own', async () => {
    const second = await startEngine();
    try {
      await bindings.bind(bindingOf(engine.url));
      await other(second.url);
      expect(await other(engine.url)).toBe('kept');
      await bindings.bind(bindingOf(nowhere, { poolId: 'dead' }));
      const refused = bindings.bind(bindingOf(engine.url, { poolId: 'dead' }));
      await expect(refused).rejects.toMatchObject({ code: 'REPLICA_CONFLICT' });
      expect(await registry.replica('dead', 'r0')).toMatchObject({ url: nowhere });
    } finally {
      await second.stop();
    }
  });
});

describe('what the configuration names', () => {
  it('is bound when another engine that had its place has gone', async () => {
    await bindings.bind(bindingOf(engine.url));
    // Only from here on: what an engine may take to answer is as long.
    const after = Alarms.prototype.after;
    vi.spyOn(Alarms.prototype, 'after').mockImplementation(function (this: Alarms, delayMs, ring) {
      return after.call(this, delayMs === 5_000 ? 20 : delayMs, ring);
    });
    await bindings.bindPersistently(bindingOf(nowhere, { source: 'config' }));
    expect(await replica()).toMatchObject({ url: engine.url, source: 'worker' });
    expect(pools.told('binding_refused')).toHaveLength(1);
    await bindings.unbind('gpu', 'r0');
    await eventually(replica, view => view?.url === nowhere && view.source === 'config');
    expect(pools.told('binding_refused')).toHaveLength(1);
  });

  it('does not lapse with a registration of the same engine, and is no longer the worker’s to keep', async () => {
    await bindings.restore([]);
    await bindings.bind(bindingOf(engine.url, { ttlMs: 60_000 }));
    expect(await kept()).toHaveLength(1);
    await bindings.bindPersistently(bindingOf(engine.url, { source: 'config' }));
    await bindings.bind(bindingOf(engine.url, { ttlMs: 60_000 }));
    expect((await replica())?.ttlMs).toBeUndefined();
    expect(await kept()).toEqual([]);
  });
});

it('goes on telling what is unbound after it could not tell once', async () => {
  for (const replicaId of ['r0', 'r1']) await bindings.bind(bindingOf(`${engine.url}/${replicaId}`, { replicaId }));
  vi.spyOn(registry, 'replica').mockRejectedValueOnce(new Error('on purpose'));
  await bindings.unbind('gpu', 'r0');
  await bindings.unbind('gpu', 'r1');
  await eventually(
    async () => pools.told('replica_unbound'),
    lines => lines.length === 1,
  );
  expect(pools.told('replica_unbound')).toMatchObject([{ replica_id: 'r1' }]);
  expect(pools.told('unbound_not_told')).toMatchObject([{ level: 'error', replica_id: 'r0' }]);
});

describe('what is kept for the next start', () => {
  const row = (): KeptBinding => ({ ...at('r0'), url: engine.url });
  const at = (replicaId: string) => ({ poolId: 'gpu', replicaId, engine: 'llamacpp', source: 'worker' });

  it('is nothing before the journal was read, and then all that was bound', async () => {
    await bindings.bind(bindingOf(engine.url));
    expect(await kept()).toEqual([]);
    await bindings.restore([]);
    expect(await kept()).toEqual([row()]);
  });

  it('is each binding but that of the configuration, until it is gone', async () => {
    await bindings.restore([]);
    await bindings.bind(bindingOf(engine.url));
    await bindings.bind(bindingOf(nowhere, { replicaId: 'r1', source: 'config' }));
    expect(await kept()).toEqual([row()]);
    await bindings.unbind('gpu', 'r0');
    await eventually(kept, rows => rows.length === 0);
    expect(pools.told('replica_unbound')).toMatchObject([{ pool_id: 'gpu', replica_id: 'r0' }]);
  });

  it('is written once, however often it is renewed', async () => {
    const save = vi.spyOn(journal, 'saveBinding');
    await bindings.restore([]);
    for (let n = 0; n < 5; n++) await bindings.bind(bindingOf(engine.url));
    expect(save).toHaveBeenCalledTimes(1);
  });

  it('is written again when its time to live is another', async () => {
    await bindings.restore([]);
    await bindings.bind(bindingOf(engine.url));
    await bindings.bind(bindingOf(engine.url, { ttlMs: 60_000 }));
    expect(await kept()).toEqual([{ ...row(), ttlMs: 60_000 }]);
    await bindings.bind(bindingOf(engine.url));
    expect(await kept()).toEqual([row()]);
  });

  it('keeps how many requests its registration names, over a restart, and is written again for another number (B-CP-057)', async () => {
    await bindings.restore([]);
    await bindings.bind(bindingOf(engine.url, { slotsTotal: 1 }));
    expect(await kept()).toEqual([{ ...row(), slotsTotal: 1 }]);
    await pools.close();
    await start();
    await bindings.restore(await kept());
    expect(await replica()).toMatchObject({ slotsDeclared: 1 });
    await bindings.bind(bindingOf(engine.url, { slotsTotal: 3 }));
    expect(await kept()).toEqual([{ ...row(), slotsTotal: 3 }]);
  });

  it('follows a registration that lapses by itself', async () => {
    const save = vi.spyOn(journal, 'saveBinding');
    await bindings.restore([]);
    await bindings.bind(bindingOf(engine.url, { ttlMs: 100 }));
    expect(save).toHaveBeenCalledTimes(1);
    await eventually(kept, rows => rows.length === 0);
  });

  it('is the last word, also where a slow journal is behind', async () => {
    await bindings.restore([]);
    await bindings.bind(bindingOf(engine.url));
    let goOn = (): void => undefined;
    const slow = new Promise<void>(resolve => (goOn = resolve));
    const remove = journal.removeBinding.bind(journal);
    vi.spyOn(journal, 'removeBinding').mockImplementationOnce(async (poolId, replicaId) => {
      await slow;
      await remove(poolId, replicaId);
    });
    const gone = bindings.unbind('gpu', 'r0');
    const again = bindings.bind(bindingOf(engine.url));
    setImmediate(goOn);
    await Promise.all([gone, again]);
    expect(await kept()).toEqual([row()]);
  });

  it('no longer holds a replica that is leaving, and holds it again when that is taken back', async () => {
    await bindings.restore([]);
    await bindings.bind(bindingOf(engine.url));
    const lease = await acquire();
    await bindings.unbind('gpu', 'r0');
    await eventually(kept, rows => rows.length === 0);
    expect(pools.told('replica_leaving')).toMatchObject([{ replica_id: 'r0', running: 1 }]);
    expect(await bindings.bind(bindingOf(engine.url))).toBe('renewed');
    expect(await kept()).toEqual([row()]);
    lease.release();
  });

  it('costs no binding where the journal fails, and is made up for', async () => {
    await bindings.restore([]);
    vi.spyOn(journal, 'saveBinding').mockRejectedValueOnce(new ServiceError('STORAGE_UNAVAILABLE'));
    expect(await bindings.bind(bindingOf(engine.url))).toBe('bound');
    expect(await replica()).toMatchObject({ ready: true });
    expect(pools.told('binding_not_kept')).toHaveLength(1);
    await bindings.bind(bindingOf(engine.url));
    expect(await kept()).toEqual([row()]);
  });
});

describe('restore', () => {
  const rowAt = (url: string, replicaId = 'r0'): KeptBinding => ({
    ...{ poolId: 'gpu', replicaId, engine: 'llamacpp', source: 'worker' },
    url,
  });

  it('binds what was bound before the restart, not probed yet, and asks in the background (B-DP-112)', async () => {
    await journal.saveBinding(rowAt(engine.url));
    engine.control({ loading: true });
    const observed = vi.spyOn(registry, 'observe');
    await bindings.restore(await kept());
    expect(observed).not.toHaveBeenCalled();
    expect(await replica()).toMatchObject({ source: 'worker', url: engine.url, probed: false });
    await eventually(replica, view => view?.live === true);
    expect(await kept()).toEqual([rowAt(engine.url)]);
  });

  it('keeps who bound it; a name that nobody goes by counts as a worker', async () => {
    await bindings.restore([
      { ...rowAt(engine.url), source: 'handoff' },
      { ...rowAt(nowhere, 'r1'), source: 'journal' },
    ]);
    expect(await replica()).toMatchObject({ source: 'handoff' });
    expect(await registry.replica('gpu', 'r1')).toMatchObject({ source: 'worker' });
  });

  it('lets a registration lapse that nobody renews after the restart', async () => {
    await bindings.restore([]);
    await bindings.bind(bindingOf(engine.url, { ttlMs: 2000 }));
    const rows = await kept();
    await pools.close();
    journal = new MemoryTaskJournal();
    for (const row of rows) await journal.saveBinding(row);
    await start();
    await bindings.restore(rows);
    expect(await replica()).toMatchObject({ leaving: false, ttlMs: 2000 });
    await eventually(replica, view => view === undefined);
    await eventually(kept, found => found.length === 0);
  });

  it('gives up in due time what it cannot take up and nobody renews', async () => {
    const after = Alarms.prototype.after;
    vi.spyOn(Alarms.prototype, 'after').mockImplementation(function (this: Alarms, delayMs, ring) {
      return after.call(this, delayMs === 5_000 ? 50 : delayMs, ring);
    });
    const forbidden = { ...rowAt('http://169.254.169.254'), ttlMs: 200 };
    await journal.saveBinding(forbidden);
    await bindings.restore([forbidden]);
    expect(await kept()).toHaveLength(1);
    await eventually(kept, found => found.length === 0);
  });

  it('gives way to what somebody has named anew', async () => {
    await journal.saveBinding(rowAt(nowhere));
    await bindings.bind(bindingOf(engine.url));
    await bindings.restore(await kept());
    expect(await replica()).toMatchObject({ source: 'worker', url: engine.url });
    expect(await kept()).toEqual([rowAt(engine.url)]);
  });

  it('does not take up later what was unbound before it could be taken up', async () => {
    const retries: (() => void)[] = [];
    const after = Alarms.prototype.after;
    vi.spyOn(Alarms.prototype, 'after').mockImplementation(function (this: Alarms, delayMs, ring) {
      if (delayMs !== 5_000) return after.call(this, delayMs, ring);
      retries.push(ring);
      return { cancel: () => undefined };
    });
    const allowed = vi.spyOn(EngineAddressPolicy.prototype, 'check').mockResolvedValueOnce({
      ...{ ok: false, reason: 'on purpose', mayPass: true },
    });
    await journal.saveBinding(rowAt(engine.url));
    await bindings.restore(await kept());
    await bindings.unbind('gpu', 'r0', { reason: 'operator' });
    expect(await kept()).toEqual([]);
    for (const retry of retries.splice(0)) retry();
    await new Promise(resolve => setImmediate(resolve));
    expect(allowed).toHaveBeenCalledOnce();
    expect(await replica()).toBeUndefined();
  });

  it('says what it cannot take up, keeps it, and takes up the others', async () => {
    const forbidden = rowAt('http://169.254.169.254');
    await journal.saveBinding(forbidden);
    await journal.saveBinding({ ...rowAt(engine.url, 'r1'), engine: 'no-longer-there' });
    await journal.saveBinding(rowAt(engine.url, 'r2'));
    await bindings.restore(await kept());
    expect((await registry.pool('gpu'))?.replicas.map(({ replicaId }) => replicaId)).toEqual(['r2']);
    expect(pools.told('binding_refused').map(line => line.replica_id)).toEqual(['r0', 'r1']);
    expect(await kept()).toHaveLength(3);
  });
});

describe('the engine of the configuration', () => {
  it('is bound at the start (B-CFG-003, B-CFG-004, B-CFG-005)', async () => {
    await pools.close();
    await start({ ORCHD_LLAMACPP_URL: engine.url, ORCHD_LLAMACPP_POOL: 'main', ORCHD_LLAMACPP_REPLICA: 'one' });
    expect(await registry.replica('main', 'one')).toMatchObject({ source: 'config', ready: true, url: engine.url });
  });

  it('is tried again when its name has no address yet, and that is said once', async () => {
    const check = vi.spyOn(EngineAddressPolicy.prototype, 'check');
    check.mockResolvedValueOnce({ ok: false, reason: 'url names a host that has no address', mayPass: true });
    check.mockResolvedValueOnce({ ok: false, reason: 'url names a host that has no address', mayPass: true });
    await pools.close();
    const after = Alarms.prototype.after;
    const alarm = vi.spyOn(Alarms.prototype, 'after').mockImplementation(function (this: Alarms, delayMs, ring) {
      return after.call(this, delayMs === 5_000 ? 10 : delayMs, ring);
    });
    await start({ ORCHD_LLAMACPP_URL: engine.url, ORCHD_PROBE_TIMEOUT_MS: '4000' });
    expect(await registry.pools()).toEqual([]);
    await eventually(
      () => registry.replica('default', 'r0'),
      view => view?.ready === true,
    );
    expect(alarm.mock.calls.filter(([delayMs]) => delayMs === 5_000)).toHaveLength(2);
    expect(check).toHaveBeenCalledTimes(3);
    expect(pools.told('binding_refused')).toHaveLength(1);
  });
});
