import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startEngine, type RunningEngine } from '../../../test/engine/engine';
import { eventually } from '../../../test/support/deadline';
import { bindingOf, startPools, type PoolsUnderTest } from '../../../test/support/pools';
import { CatalogService } from '../../catalog/catalog.service';
import { DeterministicAdapter } from '../../engines/deterministic/deterministic.adapter';
import type { EngineOutcome } from '../../engines/engine-adapter.port';
import { BindingsService } from '../bindings/bindings.service';
import { DrainService } from './drain.service';
import type { Lease } from '../registry/pool';
import { PoolRegistry } from '../registry/pool-registry.port';
import { PurgeService, type PurgeReport } from './purge.service';
import type { PurgeOrder } from './purge-steps';
import { ReloadService } from './reload.service';

const plain: PurgeOrder = {
  ...{ purgeEngine: true, purgeModels: [], drainFirst: false, deleteCacheDirs: false, force: false },
};

let pools: PoolsUnderTest;
let registry: PoolRegistry;
let purges: PurgeService;
const engines: RunningEngine[] = [];

beforeEach(async () => {
  pools = await startPools();
  registry = pools.get(PoolRegistry);
  purges = pools.get(PurgeService);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await pools.close();
  for (const engine of engines.splice(0)) await engine.stop();
});

async function bind(options: Parameters<typeof startEngine>[0], replicaId = 'r0'): Promise<RunningEngine> {
  const engine = await startEngine(options);
  engines.push(engine);
  await pools.get(BindingsService).bind(bindingOf(engine.url, { replicaId }));
  return engine;
}

/** One that is ready whatever is asked of it. */
async function bindBuiltIn(): Promise<void> {
  await registry.bind(bindingOf('http://127.0.0.1:9', { engine: 'deterministic' }));
  await registry.observe('gpu', 'r0', { state: 'ready', slotsTotal: 2 });
}

async function run(): Promise<{ readonly lease: Lease; readonly ended: string[] }> {
  const lease = await registry.acquire('gpu', 'r0');
  if (!lease) throw new Error('no slot was free');
  const ended: string[] = [];
  lease.revoked$.subscribe(reason => {
    ended.push(reason.code);
    lease.release();
  });
  return { lease, ended };
}

/** The report of this order. */
async function purge(order: Partial<PurgeOrder> = {}): Promise<PurgeReport> {
  const before = (await registry.pool('gpu'))?.lastPurge;
  await purges.purge('gpu', { ...plain, ...order });
  const pool = await eventually(
    () => registry.pool('gpu'),
    view => view?.lastPurge !== before,
  );
  return pool?.lastPurge as PurgeReport;
}

describe('a purge', () => {
  it('erases the slots of every engine, and shows what it did (B-CP-041)', async () => {
    const one = await bind({ slots: 2, slotActions: true });
    const two = await bind({ slots: 1, slotActions: true }, 'r1');
    const report = await purge();
    expect([one.stats().erasedSlots, two.stats().erasedSlots]).toEqual([[0, 1], [0]]);
    expect(report).toMatchObject({ steps_total: 2, steps_not_done: 0 });
    expect(report.steps).toEqual([
      { step: 'erase KV slots on r0', done: true },
      { step: 'erase KV slots on r1', done: true },
    ]);
    expect(report.ended_ms).toBeGreaterThanOrEqual(report.started_ms);
    expect(pools.told('pool_purged')).toMatchObject([{ pool_id: 'gpu', steps_not_done: 0 }]);
  });

  it('shows what was not possible, in the words of the engine', async () => {
    await bind({ slots: 2 });
    const { steps } = await purge({ purgeModels: ['tiny.gguf'] });
    expect(steps).toEqual([
      {
        ...{ step: 'erase KV slots on r0', done: false },
        reason: 'This server does not support slots action. Start it with `--slot-save-path`',
      },
      {
        ...{ step: 'unload tiny.gguf on r0', done: false },
        reason: 'This llama.cpp server has one model and cannot unload it.',
      },
    ]);
  });

  it('unloads models, and the gauge follows', async () => {
    const engine = await bind({ routerModels: ['a', 'b'] });
    await pools.get(ReloadService).reload('gpu', 'a');
    expect(await pools.metric('model_state', { model_id: 'a', state: 'loaded' })).toBe(1);
    expect(await purge({ purgeEngine: false, purgeModels: ['a'] })).toMatchObject({ steps_not_done: 0 });
    expect(engine.stats().loads.at(-1)).toEqual({ model: 'a', action: 'unload' });
    expect(await registry.replica('gpu', 'r0')).toMatchObject({
      models: [{ id: 'a', state: 'unloaded' }, { id: 'b' }],
    });
    await eventually(
      () => pools.metric('model_state', { model_id: 'a', state: 'loaded' }),
      value => value === undefined,
    );
  });

  it('takes away what the built-in engine stands in with', async () => {
    await registry.bind(bindingOf(undefined));
    await pools.get(ReloadService).reload('gpu', 'a');
    await purge({ purgeModels: ['a'] });
    expect(await pools.metric('model_state', { model_id: 'a', state: 'loaded' })).toBeUndefined();
    expect(await pools.get(ReloadService).reload('gpu', 'b')).toMatchObject({ oldModelRef: undefined });
  });

  it('deletes the cached files of its models only when told to', async () => {
    await registry.bind(bindingOf(undefined));
    const file = join(pools.modelsDir, 'a.gguf');
    writeFileSync(file, 'weights');
    await pools.get(CatalogService).create({ id: 'a', tags: [], localPath: 'a.gguf' });
    await purge({ purgeModels: ['a'] });
    expect(existsSync(file)).toBe(true);
    const { steps } = await purge({ purgeEngine: false, purgeModels: ['a', 'nobody'], deleteCacheDirs: true });
    expect(existsSync(file)).toBe(false);
    expect(steps.slice(2)).toEqual([
      { step: 'delete cached files of a', done: true },
      { step: 'delete cached files of nobody', done: false, reason: 'the model is not in the catalogue' },
    ]);
  });

  it('goes on after a step that fails inside', async () => {
    await bindBuiltIn();
    vi.spyOn(DeterministicAdapter.prototype, 'eraseSlots').mockRejectedValueOnce(new Error('a fault of ours'));
    const { steps } = await purge({ purgeModels: ['a'] });
    expect(steps.map(({ done }) => done)).toEqual([false, true]);
    expect(JSON.stringify(steps)).not.toContain('a fault of ours');
  });

  it('keeps its report within bounds', async () => {
    for (let n = 0; n < 300; n++) await registry.bind(bindingOf(undefined, { replicaId: `r${n}` }));
    const report = await purge();
    expect(report).toMatchObject({ steps_total: 300, steps_not_done: 0 });
    expect(report.steps).toHaveLength(256);
  });

  it('is refused for a pool that there is not', async () => {
    await expect(purges.purge('nobody', plain)).rejects.toMatchObject({ code: 'POOL_NOT_FOUND' });
  });

  it('is accepted at once and works on alone: neither another nor a reload meanwhile', async () => {
    await bindBuiltIn();
    let answer = (_outcome: EngineOutcome): void => undefined;
    const erase = vi.spyOn(DeterministicAdapter.prototype, 'eraseSlots');
    erase.mockReturnValueOnce(new Promise(resolve => (answer = resolve)));
    await purges.purge('gpu', plain);
    await expect(purges.purge('gpu', plain)).rejects.toMatchObject({ code: 'POOL_BUSY', status: 409 });
    await expect(pools.get(ReloadService).reload('gpu', 'a')).rejects.toMatchObject({ code: 'POOL_BUSY' });
    expect((await registry.pool('gpu'))?.lastPurge).toBeUndefined();
    answer({ ok: true });
    await eventually(
      () => registry.pool('gpu'),
      pool => pool?.lastPurge !== undefined,
    );
    expect(await pools.get(ReloadService).reload('gpu', 'a')).toMatchObject({ newModelRef: 'a' });
  });
});

describe('drain_first', () => {
  it('waits until nothing runs, purges, and takes the pool back', async () => {
    await bindBuiltIn();
    const { lease, ended } = await run();
    const erase = vi.spyOn(DeterministicAdapter.prototype, 'eraseSlots');
    const report = purge({ drainFirst: true });
    await eventually(
      () => registry.pool('gpu'),
      pool => pool?.draining === true,
    );
    expect(erase).not.toHaveBeenCalled();
    lease.release();
    expect((await report).steps).toEqual([
      { step: 'drain', done: true },
      { step: 'erase KV slots on r0', done: true },
    ]);
    expect(ended).toEqual([]);
    expect(await registry.pool('gpu')).toMatchObject({ draining: false, ready: true });
  });

  it('leaves a pool draining that was so before', async () => {
    await bindBuiltIn();
    await pools.get(DrainService).drain('gpu', 60_000);
    await purge({ drainFirst: true });
    expect(await registry.pool('gpu')).toMatchObject({ draining: true });
    expect(pools.told('pool_draining')).toHaveLength(1);
  });

  it('leaves a pool draining that an operator has drained meanwhile', async () => {
    await bindBuiltIn();
    const { lease } = await run();
    const report = purge({ drainFirst: true });
    await eventually(
      () => registry.pool('gpu'),
      pool => pool?.draining === true,
    );
    await pools.get(DrainService).drain('gpu', 60_000);
    lease.release();
    expect(await report).toMatchObject({ steps_not_done: 0 });
    expect(await registry.pool('gpu')).toMatchObject({ draining: true });
    await pools.get(DrainService).undrain('gpu');
    expect(await registry.pool('gpu')).toMatchObject({ draining: false });
  });

  it('takes the pool back also where the purge fails inside', async () => {
    await bindBuiltIn();
    vi.spyOn(registry, 'revoke').mockRejectedValueOnce(new Error('a fault of ours'));
    expect(await purge({ drainFirst: true, force: true })).toMatchObject({ steps_not_done: 1 });
    expect(await registry.pool('gpu')).toMatchObject({ draining: false });
    expect(pools.told('purge_failed')).toHaveLength(1);
  });
});

describe('force', () => {
  it.each([true, false])('ends what runs rather than wait for it (drain_first %s)', async drainFirst => {
    await bindBuiltIn();
    const { ended } = await run();
    const { steps } = await purge({ drainFirst, force: true });
    expect(ended).toEqual(['POOL_DRAINED']);
    expect(steps[0]).toEqual({ step: 'end 1 running tasks', done: true });
    expect(await registry.pool('gpu')).toMatchObject({ running: 0, ready: true });
  });
});
