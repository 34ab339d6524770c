import { poolLeasesContract } from '../../../test/contracts/pool-leases.contract';
import { poolModelsContract } from '../../../test/contracts/pool-models.contract';
import { MODEL_RETRY_MS, type PoolRegistryUnderTest } from '../../../test/contracts/pool-samples';
import { poolRegistryContract } from '../../../test/contracts/pool-registry.contract';
import { DeterministicAdapter } from '../../engines/deterministic/deterministic.adapter';
import { EngineRegistry } from '../../engines/engine-registry';
import { loadConfig } from '../../config/config';
import { Alarms } from '../../time/alarms';
import { MovableClock } from '../../../test/support/movable-clock';
import { MemoryPoolRegistry } from './pool-registry.memory';

const open = async (): Promise<PoolRegistryUnderTest> => {
  const clock = new MovableClock();
  const { config } = loadConfig({ ORCHD_MODEL_RETRY_MS: String(MODEL_RETRY_MS) });
  const alarms = new Alarms(clock);
  const registry = new MemoryPoolRegistry(config, new EngineRegistry([new DeterministicAdapter()]), clock, alarms);
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
