import { isDeepStrictEqual } from 'node:util';
import type { EngineAdapter, EngineProbe } from '../../engines/engine-adapter.port';
import type { Binding, ReplicaView } from '../../pools/pool';
import type { Alarm } from '../../time/alarms';
import type { Clock } from '../../time/clock';
import { MemoryLease } from './memory-lease';
import { ReplicaHealth } from './replica-health';

/** One replica of the registry: its binding, what its engine says of itself, and the leases on its slots. */
export class ReplicaState {
  readonly leases = new Set<MemoryLease>();
  /** Takes no new task and goes away once idle. */
  leaving = false;
  /** Rings when the registration lapses. */
  lapse: Alarm | undefined;
  private readonly health = new ReplicaHealth();
  /** The most leases held at once since the last probe: so many of the busy slots that the next one reports may be ours. */
  private busiest = 0;
  /** Slots that somebody else used when the engine last reported. */
  private foreignSlots = 0;
  private noticed = '';
  /** Made when somebody looks, and kept until something changes: placement looks far more often than that. */
  private shown: ReplicaView | undefined;
  private readonly boundAtMs: number;

  constructor(
    private binding: Binding,
    private readonly adapter: EngineAdapter,
    private readonly clock: Clock,
  ) {
    this.boundAtMs = clock.wallMs();
  }

  get live(): boolean {
    return this.health.live;
  }

  get slotsFree(): number {
    if (!this.health.ready || this.leaving) return 0;
    return Math.max(0, this.slotsTotal - this.leases.size - this.foreignSlots);
  }

  /** Whether a binding names the engine that this one has already. */
  isAt({ url, engine }: Binding): boolean {
    return this.binding.url === url && this.binding.engine === engine;
  }

  /** Takes in the same binding again, also after a removal has begun; true when somebody could notice the difference. */
  renew(binding: Binding): boolean {
    // Whoever bound it first may take it away.
    const renewed = { ...binding, source: this.binding.source };
    const changed = this.leaving || !isDeepStrictEqual(renewed, this.binding);
    this.binding = renewed;
    this.leaving = false;
    this.shown = undefined;
    return changed;
  }

  leave(): void {
    this.leaving = true;
    this.lapse?.cancel();
    this.shown = undefined;
  }

  /** Takes in a probe; true when somebody could notice the difference. */
  observe(probe: EngineProbe): boolean {
    this.health.take(probe, this.clock.wallMs());
    if (probe.state === 'ready') this.foreignSlots = Math.max(0, (probe.slotsBusy ?? 0) - this.busiest);
    this.busiest = this.leases.size;
    this.shown = undefined;
    const before = this.noticed;
    this.noticed = `${this.foreignSlots} ${this.health.fingerprint()}`;
    return before !== this.noticed;
  }

  /** Its leases on which nothing was heard for so long. To be asked at each probe, or silence is measured too short. */
  silentLeases(forMs: number): MemoryLease[] {
    const nowMs = this.clock.nowMs();
    return [...this.leases].filter(lease => lease.silenceMs(nowMs) >= forMs);
  }

  /** Leases a slot; the registry has seen that one is free. */
  lease(onRelease: () => void): MemoryLease {
    const { adapter, engineVersion } = this;
    const { engine, poolId, replicaId, url = '' } = this.binding;
    const lease = new MemoryLease(
      { engine, engineVersion, adapter, target: { url, poolId, replicaId } },
      this.clock.nowMs(),
      () => {
        this.leases.delete(lease);
        this.shown = undefined;
        onRelease();
      },
    );
    this.leases.add(lease);
    this.busiest = Math.max(this.busiest, this.leases.size);
    this.shown = undefined;
    return lease;
  }

  view(): ReplicaView {
    return (this.shown ??= this.look());
  }

  /** None before the engine was ready for the first time: what a registration declares is a word for slots that nobody has seen. */
  private get slotsTotal(): number {
    const { facts } = this.health;
    return facts ? (facts.slotsTotal ?? this.binding.slotsTotal ?? 0) : 0;
  }

  private get engineVersion(): string {
    return this.health.facts?.engineVersion ?? this.binding.engineVersion ?? '';
  }

  private get lastError(): string | undefined {
    if (this.binding.url === undefined) return 'No engine address was given for this replica.';
    return this.leaving ? 'The replica is being removed and takes no new task.' : this.health.fault;
  }

  private look(): ReplicaView {
    const { binding, health, lastError } = this;
    const { facts, lastSeenMs } = health;
    return {
      poolId: binding.poolId,
      replicaId: binding.replicaId,
      source: binding.source,
      engine: binding.engine,
      engineVersion: this.engineVersion,
      ...(binding.url !== undefined && { url: binding.url }),
      live: health.live,
      ready: health.ready && !this.leaving,
      probed: health.probed || binding.url === undefined,
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
      ...(binding.ttlMs !== undefined && { ttlMs: binding.ttlMs }),
      ...(lastError !== undefined && { lastError }),
      boundAtMs: this.boundAtMs,
      ...(lastSeenMs !== undefined && { lastSeenMs }),
    };
  }
}
