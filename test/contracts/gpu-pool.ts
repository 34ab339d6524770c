import { afterEach, beforeEach } from 'vitest';
import type { EngineProbe } from '../../src/engines/engine-adapter.port';
import type { ServiceError } from '../../src/errors/service-error';
import type { Binding, Lease, ReplicaStatus } from '../../src/pools/registry/pool';
import type { PoolChange, PoolRegistry } from '../../src/pools/registry/pool-registry.port';
import { bindingOf, ready, type PoolRegistryUnderTest } from './pool-samples';

/** A registry that is new for each test, and its replica `gpu/r0`. */
export class GpuPool {
  /** In the order in which they were told. */
  changes: PoolChange[] = [];
  private subject: PoolRegistryUnderTest | undefined;

  get registry(): PoolRegistry {
    return this.opened.registry;
  }

  private get opened(): PoolRegistryUnderTest {
    if (!this.subject) throw new Error('no test runs');
    return this.subject;
  }

  begin(subject: PoolRegistryUnderTest): void {
    const changes: PoolChange[] = [];
    subject.registry.changes$.subscribe(change => changes.push(change));
    this.changes = changes;
    this.subject = subject;
  }

  readonly end = (): Promise<void> => this.opened.dispose();

  /** Lets that much time pass. */
  readonly pass = (ms: number): void => this.opened.pass(ms);

  readonly replica = (): Promise<ReplicaStatus | undefined> => this.registry.replica('gpu', 'r0');

  readonly observe = (probe: EngineProbe): Promise<void> => this.registry.observe('gpu', 'r0', probe);

  /** As {@link observe}, of a question that was put so long ago. */
  readonly observeOf = (agoMs: number, probe: EngineProbe): Promise<void> =>
    this.registry.observe('gpu', 'r0', probe, this.opened.nowMs() - agoMs);

  readonly bindReady = async (slotsTotal = 2, change: Partial<Binding> = {}): Promise<void> => {
    await this.registry.bind(bindingOf(change));
    await this.observe(ready(slotsTotal));
  };

  readonly acquire = async (): Promise<Lease> => {
    const lease = await this.registry.acquire('gpu', 'r0');
    if (!lease) throw new Error('no slot was free');
    return lease;
  };
}

export function gpuPool(open: () => Promise<PoolRegistryUnderTest>): GpuPool {
  const gpu = new GpuPool();
  beforeEach(async () => gpu.begin(await open()));
  afterEach(() => gpu.end());
  return gpu;
}

/** Why the lease was revoked; filled as it happens. */
export function reasonsOf(lease: Lease): ServiceError[] {
  const reasons: ServiceError[] = [];
  lease.revoked$.subscribe(reason => reasons.push(reason));
  return reasons;
}
