import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { poolLeasesContract } from '../../../test/contracts/pool-leases.contract';
import { poolModelsContract } from '../../../test/contracts/pool-models.contract';
import { MODEL_RETRY_MS, type PoolRegistryUnderTest } from '../../../test/contracts/pool-samples';
import { poolRegistryContract } from '../../../test/contracts/pool-registry.contract';
import { DeterministicAdapter } from '../../engines/deterministic/deterministic.adapter';
import { EngineRegistry } from '../../engines/engine-registry';
import { loadConfig } from '../../config/config';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';

import { MovableClock } from '../../../test/support/movable-clock';
import { OwnReach } from '../embedded/own-reach';
import { MemoryPoolRegistry } from './pool-registry.memory';

const open = async (): Promise<PoolRegistryUnderTest> => {
  const clock = new MovableClock();
  const { config } = loadConfig({ ORCHD_MODEL_RETRY_MS: String(MODEL_RETRY_MS) });
  const alarms = new Alarms(clock);
  const engines = new EngineRegistry([new DeterministicAdapter()]);
  const registry = new MemoryPoolRegistry(config, engines, clock, alarms, new OwnReach());
  return {
    registry,
    pass: ms => clock.pass(ms),
    nowMs: () => clock.nowMs(),
    dispose: async () => alarms.onModuleDestroy(),
  };
};

poolRegistryContract('memory', open);
poolLeasesContract('memory', open);
poolModelsContract('memory', open);

describe('a time to live, at a node that is cut off from its store for a while (B-ND-027)', () => {
  const TTL_MS = 30_000;
  const reach = { isCutOff: false, regainedAtMs: -Infinity };
  let registry: MemoryPoolRegistry;
  let alarms: Alarms;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 0 });
    reach.isCutOff = false;
    const clock = Object.assign(new Clock(), { nowMs: () => Date.now() });
    alarms = new Alarms(clock);
    const { config } = loadConfig({});
    registry = new MemoryPoolRegistry(config, new EngineRegistry([new DeterministicAdapter()]), clock, alarms, reach);
    await registry.bind({ poolId: 'p', replicaId: 'r', engine: 'deterministic', source: 'worker', ttlMs: TTL_MS });
  });
  afterEach(() => {
    alarms.onModuleDestroy();
    vi.useRealTimers();
  });

  const isBoundAfter = async (ms: number): Promise<boolean> => {
    await vi.advanceTimersByTimeAsync(ms);
    return (await registry.replica('p', 'r')) !== undefined;
  };
  const regain = (): void => void Object.assign(reach, { isCutOff: false, regainedAtMs: Date.now() });

  it('is not over as long as it is cut off, and begins anew when it is not', async () => {
    reach.isCutOff = true;
    expect(await isBoundAfter(4.5 * TTL_MS)).toBe(true);
    regain();
    expect(await isBoundAfter(TTL_MS - 1)).toBe(true);
    expect(await isBoundAfter(1)).toBe(false);
  });

  it('begins anew when it was cut off in the middle of it', async () => {
    await vi.advanceTimersByTimeAsync(TTL_MS / 3);
    reach.isCutOff = true;
    await vi.advanceTimersByTimeAsync(TTL_MS / 3);
    regain();
    expect(await isBoundAfter(TTL_MS - 1)).toBe(true);
    expect(await isBoundAfter(1)).toBe(false);
  });

  it('is as it was where it was cut off before it', async () => {
    reach.regainedAtMs = -1;
    expect(await isBoundAfter(TTL_MS - 1)).toBe(true);
    expect(await isBoundAfter(1)).toBe(false);
  });
});
