import { concatMap, filter, firstValueFrom } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startEngine, type RunningEngine } from '../../../test/engine/engine';
import { eventually } from '../../../test/support/deadline';
import { bindingOf, startPools, type PoolsUnderTest } from '../../../test/support/pools';
import { CatalogService } from '../../catalog/catalog.service';
import { DeterministicAdapter } from '../../engines/deterministic/deterministic.adapter';
import type { EngineOutcome } from '../../engines/engine-adapter.port';
import { BindingsService } from '../bindings/bindings.service';
import { PoolRegistry } from '../registry/pool-registry.port';
import { Prober } from '../probing/prober';
import { ReloadService } from './reload.service';

const refusal: EngineOutcome = { ok: false, unsupported: false, reason: 'out of memory' };

let pools: PoolsUnderTest;
let registry: PoolRegistry;
let reloads: ReloadService;
const engines: RunningEngine[] = [];

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  pools = await startPools(env);
  registry = pools.get(PoolRegistry);
  reloads = pools.get(ReloadService);
}

/** A router with these models, the first of them loaded, bound to the pool. */
async function bindRouter(replicaId: string, models: readonly string[]): Promise<RunningEngine> {
  const engine = await startEngine({ routerModels: models });
  engines.push(engine);
  await registry.bind(bindingOf(engine.url, { replicaId }));
  const [first] = models;
  if (first !== undefined)
    await fetch(`${engine.url}/models/load`, { method: 'POST', body: JSON.stringify({ model: first }) });
  await eventually(
    () => loadedOn(engine),
    loaded => loaded.length === 1,
  );
  await pools.get(BindingsService).bind(bindingOf(engine.url, { replicaId }));
  return engine;
}

async function loadedOn({ url }: RunningEngine): Promise<readonly string[]> {
  const response = await fetch(`${url}/v1/models`);
  const { data } = (await response.json()) as { data: { id: string; status: { value: string } }[] };
  return data.filter(({ status }) => status.value === 'loaded').map(({ id }) => id);
}

const loadedReplicas = (model: string) => pools.metric('model_state', { model_id: model, state: 'loaded' });

afterEach(async () => {
  vi.restoreAllMocks();
  await pools.close();
  for (const engine of engines.splice(0)) await engine.stop();
});

describe('a pool with no engine bound', () => {
  const bindNowhere = (replicaId = 'r0') => registry.bind(bindingOf(undefined, { replicaId }));

  it('is served by the deterministic engine, which loads any model (B-CP-030, B-CP-032, B-CP-033)', async () => {
    await start();
    await bindNowhere();
    await bindNowhere('r1');
    const first = { oldModelRef: undefined, newModelRef: 'model-v1', replicas: ['r0', 'r1'] };
    expect(await reloads.reload('gpu', 'model-v1')).toEqual(first);
    expect(await loadedReplicas('model-v1')).toBe(2);
    expect(await reloads.reload('gpu', 'model-v2')).toMatchObject({ oldModelRef: 'model-v1', newModelRef: 'model-v2' });
    expect([await loadedReplicas('model-v1'), await loadedReplicas('model-v2')]).toEqual([undefined, 2]);
    expect(pools.told('pool_reloaded')).toHaveLength(2);
  });

  it('but the one that it refuses, and then has its old one (B-CP-031, B-CP-035)', async () => {
    await start();
    await bindNowhere();
    await reloads.reload('gpu', 'model-v1');
    const failed = reloads.reload('gpu', 'bad');
    await expect(failed).rejects.toMatchObject({ code: 'RELOAD_FAILED', status: 409 });
    await expect(failed).rejects.toThrow('The deterministic engine refuses the model `bad`.');
    expect([await loadedReplicas('model-v1'), await loadedReplicas('bad')]).toEqual([1, undefined]);
    expect(await registry.pool('gpu')).toMatchObject({ reloading: false });
    expect(pools.told('reload_failed')).toMatchObject([{ pool_id: 'gpu', model_ref: 'bad', code: 'RELOAD_FAILED' }]);
  });

  it('loses its place in the gauge with its replica', async () => {
    await start();
    await bindNowhere();
    await reloads.reload('gpu', 'model-v1');
    await registry.unbind('gpu', 'r0');
    await eventually(
      () => loadedReplicas('model-v1'),
      value => value === undefined,
    );
  });
});

describe('a pool of engines', () => {
  it('has the new model on all of them and the old one on none (B-CP-032)', async () => {
    await start();
    const one = await bindRouter('r0', ['old', 'new']);
    const two = await bindRouter('r1', ['old', 'new']);
    expect(await reloads.reload('gpu', 'new')).toEqual({
      oldModelRef: 'old',
      newModelRef: 'new',
      replicas: ['r0', 'r1'],
    });
    expect([await loadedOn(one), await loadedOn(two)]).toEqual([['new'], ['new']]);
    expect([await loadedReplicas('new'), await loadedReplicas('old')]).toEqual([2, undefined]);
    expect(await pools.metric('model_state', { model_id: 'old', state: 'unloaded' })).toBe(2);
    expect(await registry.pool('gpu')).toMatchObject({ ready: true, reloading: false });
  });

  it('takes the id of the catalogue for the file that it has, and refuses a retired one by any name', async () => {
    await start();
    const engine = await bindRouter('r0', ['old', 'new']);
    const catalog = pools.get(CatalogService);
    await catalog.create({ id: 'llama-3', localPath: 'new.gguf', tags: [] });
    await reloads.reload('gpu', 'llama-3');
    expect(await loadedOn(engine)).toEqual(['new']);
    await catalog.setState('llama-3', 'Retired', 0);
    for (const name of ['llama-3', 'new', 'new.gguf'])
      await expect(reloads.reload('gpu', name)).rejects.toMatchObject({ code: 'MODEL_RETIRED' });
  });

  it('takes another name of the model that it has, and keeps it', async () => {
    await start();
    const engine = await bindRouter('r0', ['old', 'new']);
    await reloads.reload('gpu', 'old.gguf');
    expect(await loadedOn(engine)).toEqual(['old']);
    expect(await loadedReplicas('old')).toBe(1);
    expect(engine.stats().loads).toEqual([{ model: 'old', action: 'load' }]);
    await reloads.reload('gpu', 'new.gguf');
    expect(await loadedOn(engine)).toEqual(['new']);
    expect([await loadedReplicas('new'), await loadedReplicas('new.gguf')]).toEqual([1, undefined]);
  });

  it('is not ready while the model loads, and gives no slot (B-CP-034)', async () => {
    await start();
    await bindRouter('r0', ['old', 'new']);
    const reloading$ = registry.changes$.pipe(filter(({ kind }) => kind === 'reloading'));
    const begun = firstValueFrom(reloading$.pipe(concatMap(() => registry.pool('gpu'))));
    const leased = firstValueFrom(reloading$.pipe(concatMap(async () => [await registry.acquire('gpu', 'r0')])));
    await reloads.reload('gpu', 'new');
    expect(await begun).toMatchObject({ reloading: true, ready: false, slotsFree: 0 });
    expect(await leased).toEqual([undefined]);
    expect(await registry.pool('gpu')).toMatchObject({ reloading: false, ready: true });
  });

  it('has the old model again on all of them where one fails (B-CP-031, B-CP-035)', async () => {
    await start();
    const one = await bindRouter('r0', ['old', 'new']);
    const two = await bindRouter('r1', ['old']);
    const failed = reloads.reload('gpu', 'new');
    await expect(failed).rejects.toMatchObject({ code: 'RELOAD_FAILED', details: { engine: 'llamacpp' } });
    await expect(failed).rejects.toThrow('new');
    expect([await loadedOn(one), await loadedOn(two)]).toEqual([['old'], ['old']]);
    await eventually(
      () => loadedReplicas('old'),
      value => value === 2,
    );
    expect(await loadedReplicas('new')).toBeUndefined();
    expect(await registry.pool('gpu')).toMatchObject({ ready: true, reloading: false });
  });

  it('is disturbed on one engine only by a model that none can load', async () => {
    await start();
    const load = vi.spyOn(DeterministicAdapter.prototype, 'load').mockResolvedValue(refusal);
    for (const replicaId of ['r0', 'r1', 'r2']) await registry.bind(bindingOf(undefined, { replicaId }));
    await expect(reloads.reload('gpu', 'huge')).rejects.toThrow('out of memory');
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('reports an engine that has gone as the reason', async () => {
    await start();
    const engine = await bindRouter('r0', ['old', 'new']);
    await engine.stop();
    const failed = reloads.reload('gpu', 'new');
    await expect(failed).rejects.toMatchObject({ code: 'RELOAD_FAILED', details: { engine: 'llamacpp' } });
    await expect(failed).rejects.toThrow('connection');
    expect(await registry.replica('gpu', 'r0')).toMatchObject({ live: false });
  });

  it.each([
    [
      'declares its models',
      { models: [{ id: 'alias', state: 'loaded' }] },
      { models: [{ id: 'other', state: 'loaded' }] },
    ],
    ['names its one model', { loadedModel: 'tiny.gguf' }, { loadedModel: 'other' }],
  ] as const)(
    'is shown with what its engine %s, where that was changed behind our back',
    async (_what, before, after) => {
      await start();
      await registry.bind(bindingOf('http://127.0.0.1:9', { engine: 'deterministic' }));
      const probe = vi.spyOn(DeterministicAdapter.prototype, 'probe');
      probe.mockResolvedValue({ state: 'ready', slotsTotal: 1, ...before });
      await reloads.reload('gpu', 'alias');
      expect(await loadedReplicas('alias')).toBe(1);
      probe.mockResolvedValue({ state: 'ready', slotsTotal: 1, ...after });
      await pools.get(Prober).probeNow('gpu', 'r0');
      await eventually(
        () => loadedReplicas('other'),
        value => value === 1,
      );
      expect(await loadedReplicas('alias')).toBeUndefined();
    },
  );
});

describe('time', () => {
  const hanging = (): Promise<EngineOutcome> => new Promise(() => undefined);

  it('runs out for tasks that do not end, and nothing was touched (B-CP-034)', async () => {
    await start({ ORCHD_RELOAD_TIMEOUT_MS: '50' });
    const load = vi.spyOn(DeterministicAdapter.prototype, 'load');
    await registry.bind(bindingOf('http://127.0.0.1:9', { engine: 'deterministic' }));
    await registry.observe('gpu', 'r0', { state: 'ready', slotsTotal: 1 });
    const lease = await registry.acquire('gpu', 'r0');
    const failed = reloads.reload('gpu', 'new');
    await expect(failed).rejects.toMatchObject({ code: 'RELOAD_TIMEOUT' });
    await expect(failed).rejects.toThrow('Tasks were still running');
    expect(load).not.toHaveBeenCalled();
    expect(await registry.pool('gpu')).toMatchObject({ ready: true, running: 1 });
    lease?.release();
  });

  it('is given to tasks that end', async () => {
    await start();
    await registry.bind(bindingOf('http://127.0.0.1:9', { engine: 'deterministic' }));
    await registry.observe('gpu', 'r0', { state: 'ready', slotsTotal: 1 });
    const lease = await registry.acquire('gpu', 'r0');
    const load = vi.spyOn(DeterministicAdapter.prototype, 'load');
    const reload = reloads.reload('gpu', 'new');
    await eventually(
      () => registry.pool('gpu'),
      pool => pool?.reloading === true,
    );
    expect(load).not.toHaveBeenCalled();
    lease?.release();
    expect(await reload).toMatchObject({ newModelRef: 'new' });
  });

  it('runs out for an engine that hangs, and the old model is loaded again (B-CP-034, B-CP-035)', async () => {
    await start({ ORCHD_RELOAD_TIMEOUT_MS: '50' });
    for (const replicaId of ['r0', 'r1']) await registry.bind(bindingOf(undefined, { replicaId }));
    await reloads.reload('gpu', 'old');
    const load = vi.spyOn(DeterministicAdapter.prototype, 'load');
    load.mockResolvedValueOnce({ ok: true }).mockImplementationOnce(hanging);
    await expect(reloads.reload('gpu', 'new')).rejects.toMatchObject({ code: 'RELOAD_TIMEOUT' });
    expect(load.mock.calls.map(([{ replicaId }, model]) => `${replicaId} ${model}`)).toEqual([
      ...['r0 new', 'r1 new'],
      ...['r0 old', 'r1 old'],
    ]);
    expect(await registry.pool('gpu')).toMatchObject({ reloading: false });
  });
});

describe('what is refused', () => {
  it('is a pool that there is not, before anything else', async () => {
    await start();
    await expect(reloads.reload('nobody', 'model')).rejects.toMatchObject({ code: 'POOL_NOT_FOUND' });
  });

  it('is a model that the catalogue has as Retired (B-CP-031)', async () => {
    await start();
    await registry.bind(bindingOf(undefined));
    const catalog = pools.get(CatalogService);
    await catalog.create({ id: 'old-model', tags: [] });
    await catalog.setState('old-model', 'Retired', 0);
    const refused = reloads.reload('gpu', 'old-model');
    await expect(refused).rejects.toMatchObject({ code: 'MODEL_RETIRED', details: { field: 'new_model_ref' } });
  });

  it('is a second reload of the same pool, and not that of another', async () => {
    await start();
    await registry.bind(bindingOf(undefined));
    await registry.bind(bindingOf(undefined, { poolId: 'other' }));
    let answer = (_outcome: EngineOutcome): void => undefined;
    vi.spyOn(DeterministicAdapter.prototype, 'load').mockReturnValueOnce(new Promise(resolve => (answer = resolve)));
    const reload = reloads.reload('gpu', 'first');
    await eventually(
      () => registry.pool('gpu'),
      pool => pool?.reloading === true,
    );
    await expect(reloads.reload('gpu', 'second')).rejects.toMatchObject({ code: 'POOL_BUSY', status: 409 });
    expect(await reloads.reload('other', 'second')).toMatchObject({ newModelRef: 'second' });
    answer({ ok: true });
    expect(await reload).toMatchObject({ newModelRef: 'first' });
    expect(await reloads.reload('gpu', 'second')).toMatchObject({ oldModelRef: 'first' });
  });

  it('is a pool that drains with no replica left', async () => {
    await start();
    await registry.bind(bindingOf(undefined));
    await registry.setDraining('gpu', true);
    await registry.unbind('gpu', 'r0');
    await expect(reloads.reload('gpu', 'model')).rejects.toThrow('The pool has no replica.');
  });
});
