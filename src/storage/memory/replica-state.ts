import type { EngineAdapter, EngineProbe } from '../../engines/engine-adapter.port';
import type { Binding, ReplicaView } from '../../pools/pool';
import type { MemoryLease } from './memory-lease';

/** A replica is called dead after this many probes in a row found nobody. */
const DEAD_AFTER_FAILURES = 2;

/** One replica of the registry: its binding, what its engine last said, and the leases on its slots. */
export class ReplicaState {
  readonly leases = new Set<MemoryLease>();
  leaving = false;
  private probe: EngineProbe | undefined;
  /** What a ready engine said last; kept while it cannot be reached, for it describes the same process. */
  private facts: EngineProbe | undefined;
  private failures = 0;
  private lastSeenMs: number | undefined;
  /** Leases held when the last probe was taken: what the engine reported busy beyond them is somebody else's. */
  private runningAtProbe = 0;

  constructor(
    public binding: Binding,
    readonly adapter: EngineAdapter,
    readonly boundAtMs: number,
  ) {}

  get live(): boolean {
    return this.binding.url !== undefined && this.probe !== undefined && this.failures < DEAD_AFTER_FAILURES;
  }

  get ready(): boolean {
    return this.live && this.probe?.state === 'ready';
  }

  get slotsTotal(): number {
    return this.facts?.slotsTotal ?? this.binding.slotsTotal ?? 0;
  }

  get slotsFree(): number {
    if (!this.ready || this.leaving) return 0;
    const foreign = Math.max(0, (this.probe?.slotsBusy ?? 0) - this.runningAtProbe);
    return Math.max(0, this.slotsTotal - this.leases.size - foreign);
  }

  /** Takes in a probe; true when somebody could notice the difference. */
  observe(probe: EngineProbe, wallMs: number): boolean {
    const before = this.fingerprint();
    this.failures = probe.state === 'unreachable' ? this.failures + 1 : 0;
    if (probe.state !== 'unreachable') this.lastSeenMs = wallMs;
    if (probe.state === 'ready') this.facts = probe;
    this.probe = probe;
    this.runningAtProbe = this.leases.size;
    return before !== this.fingerprint();
  }

  get engineVersion(): string {
    return this.facts?.engineVersion ?? this.binding.engineVersion ?? '';
  }

  view(): ReplicaView {
    const { binding, facts } = this;
    const lastError = binding.url === undefined ? 'No engine address was given for this replica.' : this.probe?.reason;
    return {
      poolId: binding.poolId,
      replicaId: binding.replicaId,
      source: binding.source,
      engine: binding.engine,
      engineVersion: this.engineVersion,
      ...(binding.url !== undefined && { url: binding.url }),
      live: this.live,
      ready: this.ready && !this.leaving,
      probed: this.probe !== undefined || binding.url === undefined,
      leaving: this.leaving,
      slotsTotal: this.slotsTotal,
      slotsFree: this.slotsFree,
      running: this.leases.size,
      ...(facts?.ctxMax !== undefined && { ctxMax: facts.ctxMax }),
      ...(facts?.models && { models: facts.models }),
      ...(facts?.loadedModel !== undefined && { loadedModel: facts.loadedModel }),
      supportedWorkloads: facts?.supportedWorkloads ?? [],
      features: facts?.features ?? [],
      ...(facts?.kvUsageRatio !== undefined && { kvUsageRatio: facts.kvUsageRatio }),
      ...(binding.deviceMask !== undefined && { deviceMask: binding.deviceMask }),
      ...(lastError !== undefined && { lastError }),
      boundAtMs: this.boundAtMs,
      ...(this.lastSeenMs !== undefined && { lastSeenMs: this.lastSeenMs }),
    };
  }

  /** What placement, capabilities and people look at, less what changes with every task. */
  private fingerprint(): string {
    const { facts } = this;
    return JSON.stringify([this.live, this.ready, this.slotsFree, this.probe?.reason, { ...facts, slotsBusy: 0, kvUsageRatio: 0 }]);
  }
}
