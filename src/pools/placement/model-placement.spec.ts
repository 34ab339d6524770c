import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPools, type PoolsUnderTest } from '../../../test/support/pools';
import { CatalogService, type ModelDescription } from '../../catalog/catalog.service';
import type { EngineProbe } from '../../engines/engine-adapter.port';
import { Slots } from '../../storage/embedded/slots';
import type { PlacementConstraints } from './constraints';
import type { Lease } from '../registry/pool';
import { PlacementService } from './placement.service';
import { PoolRegistry } from '../registry/pool-registry.port';

let pools: PoolsUnderTest;
let registry: PoolRegistry;
let placement: PlacementService;

beforeEach(async () => {
  pools = await startPools();
  registry = pools.get(PoolRegistry);
  placement = pools.get(PlacementService);
});
afterEach(() => pools.close());

const anything: PlacementConstraints = { preferPools: [], avoidPools: [], workload: 'completion' };

function wanting(change: Partial<PlacementConstraints>): PlacementConstraints {
  return { ...anything, ...change };
}

/** `pool/replica` with an engine that says this of itself; without a probe it was not asked yet. */
async function bind(name: string, probe?: Partial<EngineProbe>): Promise<void> {
  const [poolId = '', replicaId = ''] = name.split('/');
  await registry.bind({ poolId, replicaId, engine: 'llamacpp', source: 'worker', url: 'http://127.0.0.1:9' });
  const said: EngineProbe = { state: 'ready', slotsTotal: 2, supportedWorkloads: ['completion'] };
  if (probe) await registry.observe(poolId, replicaId, { ...said, ...probe });
}

/** The best free slot, taken as the ledger does. */
function take(constraints: PlacementConstraints = anything): Lease | undefined {
  const slots = pools.get(Slots);
  const slot = slots.bestOf(placement.readyFor(constraints), undefined);
  return slot && slots.take(slot);
}

function placeOf(constraints: PlacementConstraints): string | undefined {
  const lease = take(constraints);
  return lease && `${lease.poolId}/${lease.replicaId}`;
}

const verdictOf = (change: Partial<PlacementConstraints> = {}) => placement.assess(wanting(change)).verdict;

describe('the model that a task runs (B-DP-113)', () => {
  it('names the models there are where nobody has the one asked for (B-DP-114)', async () => {
    await bind('a/r0', {
      models: [
        { id: 'b', state: 'loaded' },
        { id: 'a', state: 'unloaded' },
        { id: 'd', state: 'failed' },
      ],
      features: ['model-loading'],
    });
    await bind('a/r1', { models: [{ id: 'b', state: 'loaded' }] });
    await bind('a/r2', {});
    await registry.bind({ poolId: 'a', replicaId: 'nowhere', engine: 'llamacpp', source: 'worker' });
    expect(placement.assess(wanting({ modelRef: 'c' }))).toMatchObject({
      verdict: 'no-model',
      models: ['a', 'b'],
    });
    // It may have it: nobody knows yet.
    await bind('a/r3');
    expect(verdictOf({ modelRef: 'c' })).toBe('waiting');
    await bind('a/r3', { state: 'loading' });
    expect(verdictOf({ modelRef: 'c' })).toBe('not-ready');
  });

  it('takes any name that a model goes by', async () => {
    await bind('a/r0', { models: [{ id: 'prod', names: ['stable', 'tiny.gguf', 'tiny'], state: 'loaded' }] });
    for (const modelRef of ['prod', 'stable', 'tiny.gguf', 'tiny']) {
      const lease = take(wanting({ modelRef }));
      expect(lease?.model).toBe('prod');
      lease?.release();
    }
    expect(verdictOf({ modelRef: 'Tiny' })).toBe('no-model');
  });

  describe('of an engine with several models, for a task that names none (B-DP-113)', () => {
    type States = Record<string, 'loaded' | 'loading' | 'unloaded' | 'failed'>;
    const router = (states: States, more: Partial<EngineProbe> = {}) =>
      bind('a/r0', {
        models: Object.entries(states).map(([id, state]) => ({ id, state })),
        features: ['model-loading'],
        ...more,
      });
    const model = () => take()?.model;

    it.each<[States, string | undefined]>([
      [{ a: 'unloaded', b: 'loaded', c: 'loaded' }, 'b'],
      [{ a: 'unloaded', b: 'loading' }, 'b'],
      [{ a: 'unloaded' }, 'a'],
      [{ a: 'failed', b: 'unloaded' }, 'b'],
    ])('is %j: %s', async (states, chosen) => {
      await router(states);
      expect(verdictOf()).toBe('ready');
      expect(model()).toBe(chosen);
    });

    it('has to be named where none is loaded and there are several', async () => {
      await router({ a: 'unloaded', b: 'unloaded' });
      expect(placement.assess(anything)).toMatchObject({ verdict: 'model-unnamed', models: ['a', 'b'] });
      expect(model()).toBeUndefined();
    });

    it('is nothing that is not loaded where the engine loads nothing by itself', async () => {
      await router({ a: 'loaded', b: 'unloaded' }, { features: [] });
      expect(model()).toBe('a');
      expect(placement.assess(wanting({ modelRef: 'b' }))).toMatchObject({ verdict: 'no-model', models: ['a'] });
    });
  });

  it('goes where the model is loaded before where it would have to be', async () => {
    await bind('a/r0', { models: [{ id: 'm', state: 'unloaded' }], features: ['model-loading'], slotsTotal: 9 });
    await bind('b/r0', { models: [{ id: 'm', state: 'loaded' }] });
    expect(placeOf(wanting({ modelRef: 'm' }))).toBe('b/r0');
  });

  it('tells why a model that failed is not to be had, and leaves it out of those there are', async () => {
    const models = [
      { id: 'broken', state: 'failed', reason: 'It is broken.' },
      { id: 'm', state: 'loaded' },
    ] as const;
    await bind('a/r0', { models });
    expect(placement.assess(wanting({ modelRef: 'broken' }))).toMatchObject({
      ...{ verdict: 'model-failed', failure: 'It is broken.', models: ['m'] },
    });
    await bind('b/r0', { models: [{ id: 'broken', state: 'loaded' }] });
    expect(verdictOf({ modelRef: 'broken' })).toBe('ready');
  });

  describe('the least context (B-DP-156)', () => {
    it('is kept to, and the largest there is named where it is more', async () => {
      await bind('a/r0', { ctxMax: 2048, slotsTotal: 9, models: [{ id: 'm', state: 'loaded' }] });
      await bind('b/r0', { ctxMax: 4096, models: [{ id: 'm', state: 'loaded' }] });
      expect(placeOf(wanting({ ctx: 2048 }))).toBe('a/r0');
      expect(placeOf(wanting({ ctx: 2049 }))).toBe('b/r0');
      expect(placeOf(wanting({ ctx: 4097, modelRef: 'm' }))).toBeUndefined();
      expect(placement.assess(wanting({ ctx: 4097 }))).toMatchObject({ verdict: 'small-context', ctxMax: 4096 });
    });

    it('may be there where nobody knows', async () => {
      await bind('a/r0', { ctxMax: 2048 });
      expect(verdictOf({ ctx: 4096 })).toBe('small-context');
      await bind('b/r0');
      expect(verdictOf({ ctx: 4096 })).toBe('waiting');
      await bind('b/r0', {});
      expect(placeOf(wanting({ ctx: 4096 }))).toBe('b/r0');
    });

    it('is that of the model which would run, not of another on the same engine', async () => {
      const models = [
        { id: 'large', state: 'loaded', ctxMax: 8192 },
        { id: 'small', state: 'loaded', ctxMax: 1024 },
        { id: 'unknown', state: 'unloaded' },
      ] as const;
      await bind('a/r0', { ctxMax: 8192, models, features: ['model-loading'] });
      expect(verdictOf({ ctx: 4096, modelRef: 'large' })).toBe('ready');
      expect(placement.assess(wanting({ ctx: 4096, modelRef: 'small' }))).toMatchObject({ ctxMax: 1024 });
      expect(verdictOf({ ctx: 4096, modelRef: 'unknown' })).toBe('ready');
    });
  });

  describe('as the catalogue has it', () => {
    const file = { id: 'prod', names: ['/models/org/tiny.gguf', 'tiny.gguf', 'tiny'], state: 'loaded' } as const;
    const put = (description: Partial<ModelDescription> & { id: string }) =>
      pools.get(CatalogService).create({ tags: [], ...description });
    const retire = (id: string) => pools.get(CatalogService).setState(id, 'Retired', 0);

    it('is meant by the id of its entry, which need not be a name that the engine has', async () => {
      await bind('a/r0', { models: [file] });
      expect(verdictOf({ modelRef: 'llama-3' })).toBe('no-model');
      await put({ id: 'llama-3', localPath: 'org/tiny.gguf' });
      expect(take(wanting({ modelRef: 'llama-3' }))?.model).toBe('prod');
    });

    it.each([
      ['its id', { id: 'prod', localPath: 'elsewhere.gguf' }],
      ['its path', { id: 'llama-3', localPath: 'org/tiny.gguf' }],
      ['the name of its file', { id: 'llama-3', localPath: 'tiny.gguf' }],
    ])('is not to be had once that is retired, by whichever name and by none: %s', async (_name, description) => {
      await bind('a/r0', { models: [file] });
      await put(description);
      await retire(description.id);
      for (const wish of [{}, { modelRef: 'prod' }, { modelRef: 'tiny' }])
        expect(placement.assess(wanting(wish))).toMatchObject({
          ...{ verdict: 'model-barred', bar: 'MODEL_RETIRED', models: [] },
        });
      // Who was admitted before has it still.
      expect(placeOf(anything)).toBe('a/r0');
      await pools.get(CatalogService).delete(description.id);
      expect(verdictOf()).toBe('ready');
    });

    it('is another one where only the name of the file is the same', async () => {
      await bind('a/r0', { models: [file] });
      await put({ id: 'llama-3', localPath: 'other/tiny.gguf' });
      await retire('llama-3');
      expect(verdictOf({ modelRef: 'tiny' })).toBe('ready');
    });

    it('is left alone by tasks that name none where there is another', async () => {
      await bind('a/r0', { models: [file], slotsTotal: 9 });
      await bind('b/r0', { models: [{ id: 'good', state: 'loaded' }], slotsTotal: 1 });
      await put({ id: 'prod' });
      await retire('prod');
      expect([placeOf(anything), placeOf(anything)]).toEqual(['b/r0', undefined]);
      expect(placement.assess(wanting({ modelRef: 'prod' }))).toMatchObject({
        verdict: 'model-barred',
        models: ['good'],
      });
    });
  });

  it('says whether the model has to be loaded first', async () => {
    await bind('a/r0', { models: [{ id: 'm', state: 'unloaded' }], features: ['model-loading'] });
    expect(placement.assess(wanting({ modelRef: 'm' }))).toMatchObject({ verdict: 'ready', needsLoad: true });
    expect(placement.assess(anything)).toMatchObject({ needsLoad: true });
    await bind('a/r1', { models: [{ id: 'm', state: 'loaded' }] });
    expect(placement.assess(wanting({ modelRef: 'm' }))).toMatchObject({ needsLoad: false });
  });
});
