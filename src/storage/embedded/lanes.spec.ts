import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { factsOf, plainSpec } from '../../../test/contracts/journal-samples';
import { startPools, type PoolsUnderTest } from '../../../test/support/pools';
import { CatalogService } from '../../catalog/catalog.service';
import { PlacementService } from '../../pools/placement/placement.service';
import { PoolRegistry } from '../../pools/registry/pool-registry.port';
import { Clock } from '../../time/clock';
import { HeldTask } from './held-task';
import { Lanes } from './lanes';

const HOUR_MS = 3_600_000;

let pools: PoolsUnderTest;
let lanes: Lanes;

beforeEach(async () => {
  pools = await startPools();
  lanes = new Lanes(pools.get(PlacementService));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await pools.close();
});

async function bind(poolId: string, model: string): Promise<void> {
  const registry = pools.get(PoolRegistry);
  await registry.bind({ poolId, replicaId: 'r0', engine: 'llamacpp', source: 'worker', url: 'http://127.0.0.1:9' });
  const models = [{ id: model, state: 'loaded' }] as const;
  await registry.observe(poolId, 'r0', { state: 'ready', slotsTotal: 1, supportedWorkloads: ['completion'], models });
}

/** What a task that waits alone may have; it waits no more afterwards. */
function modelsForOne(seq: number): (string | undefined)[] {
  const task = new HeldTask(plainSpec(`task-${seq}`), factsOf(seq), { tokens: 1, timeMs: 1, cost: 1 }, 1, HOUR_MS);
  lanes.add(task, 0);
  const models = [...lanes.all()].flatMap(({ ready }) => ready.map(({ model }) => model));
  lanes.remove(task);
  return models;
}

it('has what may be had by now where nobody has waited for a while, also of a model whose time came with the wall clock alone', async () => {
  await bind('a', 'old');
  await bind('b', 'good');
  const catalog = pools.get(CatalogService);
  await catalog.create({ id: 'old', tags: [] });
  await catalog.setState('old', 'Retired', HOUR_MS);
  expect(modelsForOne(1)).toEqual(['old', 'good']);
  const clock = pools.get(Clock);
  const [wallMs, nowMs] = [clock.wallMs(), clock.nowMs()];
  // As after a machine has slept: what is timed has not come.
  vi.spyOn(clock, 'wallMs').mockReturnValue(wallMs + 2 * HOUR_MS);
  vi.spyOn(clock, 'nowMs').mockReturnValue(nowMs + 60_000);
  expect(modelsForOne(2)).toEqual(['good']);
});
