import { poolRegistryContract } from '../../../test/contracts/pool-registry.contract';
import { DeterministicAdapter } from '../../engines/deterministic/deterministic.adapter';
import { EngineRegistry } from '../../engines/engine-registry';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { MemoryPoolRegistry } from './pool-registry.memory';

poolRegistryContract('memory', async () => {
  const clock = new Clock();
  const alarms = new Alarms(clock);
  const registry = new MemoryPoolRegistry(new EngineRegistry([new DeterministicAdapter()]), clock, alarms);
  return { registry, dispose: async () => alarms.onModuleDestroy() };
});
