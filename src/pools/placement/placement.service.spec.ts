import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { startPools, type PoolsUnderTest } from '../../../test/support/pools';
import { ModelStandings } from '../../catalog/model-standings';
import type { EngineProbe } from '../../engines/engine-adapter.port';
import { MetricsService } from '../../observability/metrics.service';
import type { SessionStatus } from '../../sessions/session-store.port';
import { Slots } from '../../storage/embedded/slots';
import type { PlacementConstraints } from './constraints';
import { Clock } from '../../time/clock';
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
async function bind(name: string, probe?: Partial<EngineProbe>, engine = 'llamacpp'): Promise<void> {
  const [poolId = '', replicaId = ''] = name.split('/');
  await registry.bind({ poolId, replicaId, engine, source: 'worker', url: 'http://127.0.0.1:9' });
  if (!probe) return;
  await registry.observe(poolId, replicaId, {
    state: 'ready',
    slotsTotal: 2,
    supportedWorkloads: ['completion'],
    ...probe,
  });
}

/** Takes the best free slot, as the ledger does. */
async function acquire(
  constraints: PlacementConstraints = anything,
  warm?: SessionStatus['lastReplica'],
): Promise<string | undefined> {
  const slots = pools.get(Slots);
  const slot = slots.bestOf(placement.readyFor(constraints), warm);
  const lease = slot && slots.take(slot);
  return lease && `${lease.poolId}/${lease.replicaId}`;
}

describe('acquire', () => {
  it('takes the replica with the most free slots, then by pool id and replica id (B-STR-004)', async () => {
    for (const name of ['b/r0', 'a/r1', 'a/r0']) await bind(name, {});
    await bind('c/r0', { slotsTotal: 3 });
    const order = [];
    for (let n = 0; n < 10; n++) order.push(await acquire());
    expect(order).toEqual(['c/r0', 'a/r0', 'a/r1', 'b/r0', 'c/r0', 'a/r0', 'a/r1', 'b/r0', 'c/r0', undefined]);
  });

  it('goes to the warm replica first, then to preferred pools', async () => {
    await bind('a/r0', { slotsTotal: 8 });
    await bind('b/r0', { slotsTotal: 4 });
    await bind('c/r0', { slotsTotal: 1 });
    const preferring = wanting({ preferPools: ['b'] });
    const warm = { poolId: 'c', replicaId: 'r0' };
    expect(await acquire(preferring, warm)).toBe('c/r0');
    expect(await acquire(preferring, warm)).toBe('b/r0');
    expect(await acquire(anything, warm)).toBe('a/r0');
  });

  it('looks only at live and ready replicas with a free slot (B-STR-001, B-STR-002, B-STR-003, B-STR-005)', async () => {
    await bind('a/unprobed');
    await bind('a/loading', { state: 'loading' });
    await bind('a/gone', { state: 'unreachable' });
    await registry.bind({ poolId: 'a', replicaId: 'nowhere', engine: 'llamacpp', source: 'worker' });
    expect(await acquire()).toBeUndefined();
    await bind('a/one', { slotsTotal: 1 });
    expect(await acquire()).toBe('a/one');
    expect(await acquire()).toBeUndefined();
  });

  it('keeps to pin, avoided pools, engine, workload and model (B-DP-114)', async () => {
    await bind('a/r0', { models: [{ id: 'small', state: 'loaded' }], slotsTotal: 99 });
    await bind('b/r0', { models: [{ id: 'large', state: 'unloaded' }], slotsTotal: 98, features: ['model-loading'] });
    await bind('c/r0', { slotsTotal: 97 }, 'deterministic');
    await bind('d/r0', { supportedWorkloads: ['embedding'], slotsTotal: 100 });
    expect(await acquire()).toBe('a/r0');
    expect(await acquire(wanting({ pinPoolId: 'b' }))).toBe('b/r0');
    expect(await acquire(wanting({ pinPoolId: 'b', modelRef: 'small' }))).toBeUndefined();
    expect(await acquire(wanting({ pinPoolId: 'nobody' }))).toBeUndefined();
    expect(await acquire(wanting({ avoidPools: ['a'], engine: 'llamacpp' }))).toBe('b/r0');
    expect(await acquire(wanting({ avoidPools: ['a', 'b', 'c'] }))).toBeUndefined();
    expect(await acquire(wanting({ engine: 'deterministic' }))).toBe('c/r0');
    expect(await acquire(wanting({ modelRef: 'large' }))).toBe('b/r0');
    // One that declares none has none that a task could name.
    expect(await acquire(wanting({ modelRef: 'unheard-of' }))).toBeUndefined();
    expect(await acquire(wanting({ workload: 'embedding' }))).toBe('d/r0');
  });

  it('gives nothing of pools that drain or reload (B-CP-024)', async () => {
    await bind('a/r0', {});
    await bind('b/r0', {});
    await registry.setDraining('a', true);
    expect(await acquire()).toBe('b/r0');
    await registry.setReloading('b', true);
    expect(await acquire()).toBeUndefined();
    await registry.setDraining('a', false);
    expect(await acquire()).toBe('a/r0');
  });

  it('counts what was placed, and what it could choose from', async () => {
    await bind('a/r0', { slotsTotal: 1 });
    placement.countPlaced(wanting({ pinPoolId: 'a' }));
    const labels = { outcome: 'placed', pinned: 'true', fallback: 'false' };
    expect(await pools.metric('placement_decisions_total', labels)).toBe(1);
    expect(await pools.metric('placement_candidates_considered', {})).toBe(1);
  });
});

describe('the memory of decisions', () => {
  class SetClock extends Clock {
    atMs = 0;
    override nowMs(): number {
      return this.atMs;
    }
  }

  let clock: SetClock;
  let remembering: PlacementService;
  let looks: MockInstance<PoolRegistry['view']>;

  beforeEach(async () => {
    await bind('a/r0', { slotsTotal: 1000 });
    clock = new SetClock();
    remembering = new PlacementService(registry, pools.get(MetricsService), clock, pools.get(ModelStandings));
    looks = vi.spyOn(registry, 'view');
  });

  const ask = (change: Partial<PlacementConstraints> = {}): string[] =>
    remembering.readyFor(wanting(change)).map(({ poolId, replicaId }) => `${poolId}/${replicaId}`);

  it('spares looking at all pools again (B-BG-020)', async () => {
    for (let n = 0; n < 10; n++) ask();
    expect(looks).toHaveBeenCalledTimes(1);
  });

  it.each<[string, Partial<PlacementConstraints>]>([
    ['model', { modelRef: 'm' }],
    ['engine', { engine: 'llamacpp' }],
    ['workload', { workload: 'embedding' }],
    ['pin', { pinPoolId: 'a' }],
    ['preference', { preferPools: ['a'] }],
    ['avoidance', { avoidPools: ['b'] }],
  ])('is another for another %s (B-BG-021)', async (_what, change) => {
    ask();
    ask(change);
    ask(change);
    expect(looks).toHaveBeenCalledTimes(2);
  });

  it('lasts a minute (B-BG-022)', async () => {
    ask();
    clock.atMs = 59_999;
    ask();
    expect(looks).toHaveBeenCalledTimes(1);
    clock.atMs = 60_000;
    ask();
    expect(looks).toHaveBeenCalledTimes(2);
  });

  it('ends with a change of the bindings (B-BG-023)', async () => {
    ask();
    await bind('b/r0', { slotsTotal: 2000 });
    expect(ask()).toEqual(['a/r0', 'b/r0']);
    await registry.unbind('a', 'r0');
    ask();
    expect(looks).toHaveBeenCalledTimes(3);
  });

  it('ends with a change of health (B-BG-024)', async () => {
    await bind('b/r0', { state: 'loading' });
    expect(ask()).toEqual(['a/r0']);
    await registry.observe('b', 'r0', { state: 'ready', slotsTotal: 2000 });
    expect(ask()).toEqual(['a/r0', 'b/r0']);
    for (let n = 0; n < 2; n++) await registry.observe('b', 'r0', { state: 'unreachable' });
    expect(ask()).toEqual(['a/r0']);
  });

  it('is bounded', async () => {
    for (let n = 0; n < 3000; n++) ask({ modelRef: `model-${n}` });
    ask({ modelRef: 'model-2999' });
    expect(looks).toHaveBeenCalledTimes(3000);
    ask({ modelRef: 'model-0' });
    expect(looks).toHaveBeenCalledTimes(3001);
  });
});

describe('assess', () => {
  const verdictOf = (change: Partial<PlacementConstraints> = {}) => placement.assess(wanting(change)).verdict;

  it('finds nothing where nothing is bound', async () => {
    expect(placement.assess(anything)).toEqual({
      ...{ verdict: 'not-ready', considered: 0, models: [], needsLoad: false },
    });
  });

  it('says what engines do where none does what is wanted', async () => {
    await bind('a/r0', { supportedWorkloads: ['embedding'] });
    expect(placement.assess(wanting({ workload: 'chat' }))).toMatchObject({
      verdict: 'no-workload',
      workloads: ['embedding'],
    });
    await bind('a/r1');
    expect(verdictOf({ workload: 'chat' })).toBe('waiting');
  });

  it('finds what is ready, busy or not', async () => {
    await bind('a/r0', { slotsTotal: 1 });
    await bind('b/r0', { slotsTotal: 4 });
    await bind('b/r1', { state: 'loading' });
    await acquire(wanting({ pinPoolId: 'a' }));
    expect(placement.assess(anything)).toMatchObject({ verdict: 'ready', considered: 3 });
    expect(placement.assess(wanting({ pinPoolId: 'a' }))).toMatchObject({ verdict: 'ready', considered: 1 });
  });

  it('waits for what was not probed yet, and not for what is down, loads or has no address (B-DP-112)', async () => {
    await registry.bind({ poolId: 'a', replicaId: 'nowhere', engine: 'llamacpp', source: 'worker' });
    expect(verdictOf()).toBe('not-ready');
    await bind('a/r0');
    expect(verdictOf()).toBe('waiting');
    await bind('a/r0', { state: 'unreachable' });
    expect(verdictOf()).toBe('waiting');
    await bind('a/r0', { state: 'unreachable' });
    expect(verdictOf()).toBe('not-ready');
    await bind('a/r0', { state: 'loading' });
    expect(verdictOf()).toBe('not-ready');
    await bind('a/r0', {});
    expect(verdictOf()).toBe('ready');
    // Too busy to answer once: it is still ready.
    await bind('a/r0', { state: 'unreachable' });
    expect(verdictOf()).toBe('ready');
  });

  it('waits for a pool that reloads, though its engine be silent meanwhile (B-DP-112)', async () => {
    await bind('a/r0', {});
    await registry.setReloading('a', true);
    expect(verdictOf()).toBe('waiting');
    for (let n = 0; n < 2; n++) await bind('a/r0', { state: 'unreachable' });
    expect(verdictOf()).toBe('waiting');
    await registry.setReloading('a', false);
    expect(verdictOf()).toBe('not-ready');
  });

  it('does not wait for a pool without an engine, though it reloads', async () => {
    await registry.bind({ poolId: 'a', replicaId: 'nowhere', engine: 'llamacpp', source: 'worker' });
    await registry.setReloading('a', true);
    expect(verdictOf()).toBe('not-ready');
  });

  it('waits for a pool that drains unless the task is pinned to it (B-CP-024)', async () => {
    await bind('a/r0', {});
    await registry.setDraining('a', true);
    expect(verdictOf()).toBe('waiting');
    expect(verdictOf({ pinPoolId: 'a' })).toBe('draining');
    expect(verdictOf({ pinPoolId: 'b' })).toBe('not-ready');
    for (let n = 0; n < 2; n++) await bind('a/r0', { state: 'unreachable' });
    expect(verdictOf()).toBe('not-ready');
  });

  it('takes no account of what leaves', async () => {
    await bind('a/r0', {});
    await acquire();
    await registry.unbind('a', 'r0');
    expect(placement.assess(anything)).toMatchObject({ verdict: 'not-ready', considered: 0 });
  });

  it('is counted where the caller refuses', async () => {
    const assessment = placement.assess(anything);
    placement.countRefusal(anything, assessment);
    const labels = { outcome: 'not_ready', pinned: 'false', fallback: 'false' };
    expect(await pools.metric('placement_decisions_total', labels)).toBe(1);
  });
});
