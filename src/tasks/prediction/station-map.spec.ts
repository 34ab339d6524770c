import { expect, it } from 'vitest';
import type { PoolStatus, ReplicaStatus } from '../../pools/registry/pool';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import type { RunningAttempt } from './station';
import { StationMap, type SlotCounts } from './station-map';

function replica(name: string, more: Partial<ReplicaStatus> = {}): ReplicaStatus {
  const [poolId = '', replicaId = ''] = name.split('/');
  return {
    poolId,
    replicaId,
    source: 'worker',
    engine: 'llamacpp',
    engineVersion: '',
    live: true,
    ready: true,
    probed: true,
    leaving: false,
    slotsTotal: 4,
    slotsFree: 1,
    running: 2,
    releasing: 1,
    releasingUnheard: 0,
    slotsElsewhere: 0,
    supportedWorkloads: ['completion'],
    features: [],
    boundAtMs: 0,
    ...more,
  };
}

function pools(...replicas: readonly ReplicaStatus[]): PoolStatus[] {
  const ids = [...new Set(replicas.map(({ poolId }) => poolId))];
  const rest = {
    live: true,
    ready: true,
    draining: false,
    reloading: false,
    slotsTotal: 0,
    slotsFree: 0,
    running: 0,
    releasing: 0,
  };
  return ids.map(poolId => ({ poolId, ...rest, replicas: replicas.filter(one => one.poolId === poolId) }));
}

/** What the registry would say of their slots. */
function counts(all: readonly PoolStatus[]): SlotCounts {
  const find = (poolId: string, replicaId: string): ReplicaStatus | undefined =>
    all.flatMap(({ replicas }) => replicas).find(one => one.poolId === poolId && one.replicaId === replicaId);
  return {
    slotsFree: (poolId, replicaId) => find(poolId, replicaId)?.slotsFree ?? 0,
    releasing: (poolId, replicaId) => find(poolId, replicaId)?.releasing ?? 0,
  };
}

const none = (): readonly RunningAttempt[] => [];
const anything: PlacementConstraints = { preferPools: [], avoidPools: [], workload: 'completion' };
const models = (...ids: string[]): ReplicaStatus['models'] => ids.map(id => ({ id, state: 'loaded' as const }));

it('puts replicas together that are alike to whoever waits, and adds up their slots', () => {
  const all = pools(replica('a/r0'), replica('a/r1'), replica('b/r0'));
  const map = new StationMap(all, 1);
  const attempt = { startedAtMs: 0, firstOutputAtMs: undefined, tokens: 0, promptTokens: 1, askedTokens: 1 };
  const views = map.views(counts(all), name => (name === 'a/r1' ? [attempt, attempt] : []), none);
  expect(views).toMatchObject([
    { poolId: 'a', replicas: 2, slotsTotal: 8, slotsFree: 2, slotsReleasing: 2, running: [attempt, attempt] },
    { poolId: 'b', replicas: 1, slotsTotal: 4, slotsFree: 1, slotsReleasing: 1, running: [] },
  ]);
});

it('tells apart what a task may tell apart: pool, engine, workload and models', () => {
  const all = pools(
    replica('a/small', { models: models('small') }),
    replica('a/both', { models: models('small', 'large') }),
    replica('b/any', { engine: 'other' }),
    replica('c/r0', { supportedWorkloads: ['embedding'] }),
  );
  const map = new StationMap(all, 1);
  const poolsOf = (more: Partial<PlacementConstraints>): unknown => map.usableBy({ ...anything, ...more });
  expect(poolsOf({})).toEqual([0, 1, 2]);
  expect(poolsOf({ modelRef: 'large' })).toEqual([1, 2]);
  expect(poolsOf({ pinPoolId: 'a' })).toEqual([0, 1]);
  expect(poolsOf({ avoidPools: ['a'] })).toEqual([2]);
  expect(poolsOf({ engine: 'llamacpp', modelRef: 'small' })).toEqual([0, 1]);
  expect(poolsOf({ workload: 'embedding' })).toEqual([3]);
  expect(poolsOf({ pinPoolId: 'nowhere' })).toEqual([]);
});

it('takes no more for run by other nodes than there are slots taken: those nearest their end have ended', () => {
  const all = pools(replica('a/r0'));
  const attempt = (tokens: number): RunningAttempt => ({
    startedAtMs: 0,
    firstOutputAtMs: 0,
    tokens,
    promptTokens: 1,
    askedTokens: 100,
  });
  // Of 4 slots 1 is free, 1 on its way to be, 1 ours.
  const running = (told: readonly RunningAttempt[]): unknown =>
    new StationMap(all, 1)
      .views(
        counts(all),
        () => [attempt(1)],
        () => told,
      )[0]
      ?.running.map(({ tokens }) => tokens);
  expect(running([attempt(60)])).toEqual([1, 60]);
  expect(running([attempt(60), attempt(20), attempt(90)])).toEqual([1, 20]);
  const mine = [1, 2, 3, 4].map(attempt);
  expect(
    new StationMap(all, 1).views(
      counts(all),
      () => mine,
      () => [attempt(5)],
    )[0]?.running.length,
  ).toBe(4);
});

it('leaves out what is not ready', () => {
  const [drained] = pools(replica('b/r0'));
  const all = [...pools(replica('a/r0', { ready: false })), { ...(drained as PoolStatus), ready: false }];
  const map = new StationMap(all, 1);
  expect([map.usableBy(anything), map.views(counts(all), none, none)]).toEqual([[], []]);
});
