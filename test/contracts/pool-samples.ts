import type { EngineProbe } from '../../src/engines/engine-adapter.port';
import type { Binding } from '../../src/pools/registry/pool';
import type { PoolRegistry } from '../../src/pools/registry/pool-registry.port';

/** How long a probe may take in the registry under test. */
export const PROBE_TIMEOUT_MS = 5000;

/** How long a model that could not be loaded is left alone in it. */
export const MODEL_RETRY_MS = 60_000;

/** One registry under test. It knows the engine `deterministic` and no other. */
export interface PoolRegistryUnderTest {
  readonly registry: PoolRegistry;
  /** Lets that much time pass for what is measured by the monotonic clock. */
  pass(ms: number): void;
  /** By the monotonic clock. */
  nowMs(): number;
  dispose(): Promise<void>;
}

export const first = 'http://127.0.0.1:9001';
export const second = 'http://127.0.0.1:9002';
export const gone: EngineProbe = { state: 'unreachable', reason: 'The engine refused the connection.' };

export function ready(slotsTotal = 2, slotsBusy = 0): EngineProbe {
  return { state: 'ready', slotsTotal, slotsBusy, supportedWorkloads: ['completion'] };
}

/** At the first address unless told; `url: null` is none. */
export function bindingOf({
  url = first,
  ...change
}: Partial<Omit<Binding, 'url'>> & { url?: string | null } = {}): Binding {
  const named = { poolId: 'gpu', replicaId: 'r0', source: 'worker', engine: 'deterministic', ...change } as const;
  return url === null ? named : { ...named, url };
}
