import { isDeepStrictEqual } from 'node:util';
import type { TurnoverSet } from '../../collections/turnover-set';
import type { EngineAdapter, EngineProbe } from '../../engines/engine-adapter.port';
import type { Binding, BindingSource, ReplicaStatus, UnbindCause } from '../../pools/registry/pool';
import type { Alarm } from '../../time/alarms';
import type { Clock } from '../../time/clock';
import { MemoryLease } from './memory-lease';
import { ModelFailures } from './model-failures';
import { ReplicaHealth } from './replica-health';
import { ReplicaSlots } from './replica-slots';

/** What a probe has changed, for those who wait. */
export interface Noticed {
  /** Somebody could notice the difference. */
  readonly change: boolean;
  /** A slot is free that an attempt which was broken off had kept. */
  readonly freed: boolean;
}

/** One replica of the registry: its binding, what its engine says of itself, and the leases on its slots. */
export class ReplicaState {
  /** Takes no new task and goes away once idle. */
  leaving = false;
  leavesBecause: UnbindCause | undefined;
  /** Rings when the registration lapses. */
  lapse: Alarm | undefined;
  private readonly health = new ReplicaHealth();
  private readonly slots: ReplicaSlots;
  private readonly modelFailures: ModelFailures;
  private noticed = '';
  /** Made when somebody looks, and kept until something changes: placement looks far more often than that. */
  private shown: ReplicaStatus | undefined;
  private readonly boundAtMs: number;

  constructor(
    private binding: Binding,
    private readonly adapter: EngineAdapter,
    private readonly clock: Clock,
    modelRetryMs: number,
  ) {
    this.boundAtMs = clock.wallMs();
    this.slots = new ReplicaSlots(clock);
    this.modelFailures = new ModelFailures(modelRetryMs);
  }

  /** Whether its engine was not asked for its slots the last time. */
  get isSpared(): boolean {
    return this.slots.isSpared;
  }

  get leases(): TurnoverSet<MemoryLease> {
    return this.slots.leases;
  }

  /** Leases of other nodes. */
  get foreign(): number {
    return this.slots.foreign;
  }

  get live(): boolean {
    return this.health.live;
  }

  get slotsFree(): number {
    if (!this.health.ready || this.leaving) return 0;
    return Math.max(0, this.slotsTotal - this.slots.taken);
  }

  get releasing(): number {
    return this.slots.releasing;
  }

  /** Slots that others do not have. */
  get slotsOurs(): number {
    if (!this.health.ready || this.leaving) return 0;
    return Math.max(0, this.slotsTotal - this.slots.elsewhere);
  }

  /** All nodes together have taken so many slots; true where one is free by it. */
  takenByAll(byAll: number): boolean {
    const before = this.slots.foreign;
    this.slots.foreign = Math.max(0, byAll - this.leases.size - this.slots.releasing);
    if (this.slots.foreign === before) return false;
    this.shown = undefined;
    return this.slots.foreign < before;
  }

  /** Whether a binding names the engine that this one has already. */
  isAt({ url, engine }: Binding): boolean {
    return this.binding.url === url && this.binding.engine === engine;
  }

  /** Who bound it. */
  get source(): BindingSource {
    return this.binding.source;
  }

  /** Takes in the same binding again, also after a removal has begun; true when somebody could notice the difference. */
  renew(binding: Binding): boolean {
    // One that was removed has nobody's claim on it.
    const renewed = this.leaving ? binding : renewalOf(this.binding, binding);
    const changed = this.leaving || !isDeepStrictEqual(renewed, this.binding);
    this.become(renewed);
    return changed;
  }

  /** The same engine, bound so. */
  become(binding: Binding): void {
    this.binding = binding;
    this.leaving = false;
    this.shown = undefined;
  }

  leave(cause?: UnbindCause): void {
    this.leaving = true;
    this.leavesBecause = cause;
    this.lapse?.cancel();
    this.shown = undefined;
  }

  observe(probe: EngineProbe, askedAtMs: number | undefined): Noticed {
    this.health.take(probe, this.clock.wallMs());
    const freed = this.observeSlots(probe, askedAtMs);
    if (probe.state === 'ready') this.modelFailures.observe(probe.models ?? [], this.clock.nowMs());
    return { change: this.isNoticed(), freed };
  }

  /** The engine could not load a model; true when somebody could notice the difference. */
  modelFailed(id: string, reason: string): boolean {
    this.modelFailures.note(id, reason, this.clock.nowMs());
    return this.isNoticed();
  }

  private observeSlots(probe: EngineProbe, askedAtMs: number | undefined): boolean {
    const { state, slotsBusy, slotsUnasked, slotsElsewhere } = probe;
    if (state === 'busy') return this.slots.observe(this.slotsTotal, askedAtMs);
    if (state === 'ready' && slotsUnasked !== true) return this.slots.observe(slotsBusy, askedAtMs);
    return this.slots.pass(slotsUnasked === true, slotsElsewhere);
  }

  /** Its leases on which nothing was heard for so long. To be asked at each probe, or silence is measured too short. */
  silentLeases(forMs: number): MemoryLease[] {
    const nowMs = this.clock.nowMs();
    return this.leases.items().filter(lease => lease.silenceMs(nowMs) >= forMs);
  }

  /**
   * Leases a slot for a run of this model; the registry has seen that one is free.
   * @param onRelease told whether the slot is free by it
   */
  lease(model: string | undefined, onRelease: (freed: boolean) => void): MemoryLease {
    const { adapter, engineVersion } = this;
    const { engine, poolId, replicaId, url = '', apiKeyFile } = this.binding;
    const target = { url, poolId, replicaId, apiKeyFile };
    const loadsModel = model !== undefined && !this.hasLoaded(model);
    const lease = new MemoryLease(
      { engine, engineVersion, adapter, target, model, loadsModel },
      this.clock.nowMs(),
      () => {
        const { slots, slotsTotal } = this;
        // Nobody waits for the slots of one that is leaving.
        const freed = !lease.atWork || this.leaving || !slots.cut(seat, slotsTotal);
        if (freed) slots.end(seat, slotsTotal);
        this.shown = undefined;
        onRelease(freed);
      },
    );
    const seat = this.slots.leases.add(lease);
    this.shown = undefined;
    return lease;
  }

  view(): ReplicaStatus {
    return (this.shown ??= this.look());
  }

  /** None before the engine was ready for the first time: what a registration declares is a word for slots that nobody has seen. */
  private get slotsTotal(): number {
    const { facts } = this.health;
    return facts ? (facts.slotsTotal ?? this.binding.slotsTotal ?? 0) : 0;
  }

  private hasLoaded(model: string): boolean {
    return this.health.facts?.models?.some(({ id, state }) => id === model && state === 'loaded') ?? false;
  }

  private get engineVersion(): string {
    return this.health.facts?.engineVersion ?? this.binding.engineVersion ?? '';
  }

  private get lastError(): string | undefined {
    if (this.binding.url === undefined) return 'No engine address was given for this replica.';
    return this.leaving ? 'The replica is being removed and takes no new task.' : this.health.fault;
  }

  private isNoticed(): boolean {
    this.shown = undefined;
    const before = this.noticed;
    this.noticed = `${this.slots.elsewhere} ${this.health.fingerprint()} ${this.modelFailures.fingerprint()}`;
    return before !== this.noticed;
  }

  private look(): ReplicaStatus {
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
      ...(binding.slotsTotal !== undefined && { slotsDeclared: binding.slotsTotal }),
      slotsFree: this.slotsFree,
      running: this.leases.size + this.slots.foreign,
      releasing: this.slots.releasing,
      releasingUnheard: this.slots.releasingUnheard,
      slotsElsewhere: this.slots.elsewhere,
      ...(facts?.sleeping !== undefined && { sleeping: facts.sleeping }),
      ...(facts?.ctxMax !== undefined && { ctxMax: facts.ctxMax }),
      ...(facts && { models: this.modelFailures.appliedTo(facts.models ?? []) }),
      ...(facts?.loadedModel !== undefined && { loadedModel: facts.loadedModel }),
      supportedWorkloads: facts?.supportedWorkloads ?? [],
      features: facts?.features ?? [],
      ...(facts?.kvUsageRatio !== undefined && { kvUsageRatio: facts.kvUsageRatio }),
      ...(binding.deviceMask !== undefined && { deviceMask: binding.deviceMask }),
      ...(binding.ttlMs !== undefined && { ttlMs: binding.ttlMs }),
      ...(binding.apiKeyFile !== undefined && { apiKeyFile: binding.apiKeyFile }),
      ...(lastError !== undefined && { lastError }),
      ...(binding.isElsewhere === true && { isElsewhere: true }),
      boundAtMs: this.boundAtMs,
      ...(lastSeenMs !== undefined && { lastSeenMs }),
    };
  }
}

/**
 * Whoever bound it first may take it away, and so says how long it lasts; but what the configuration names is the configuration's,
 * and lasts. What another node's handoff file has bound is that node's as it is.
 */
function renewalOf(bound: Binding, { ttlMs: named, ...binding }: Binding): Binding {
  if (bound.isElsewhere === true && bound.source !== binding.source && binding.source !== 'config') return bound;
  const { source } = binding.source === 'config' ? binding : bound;
  const ttlMs = binding.source === source ? named : bound.ttlMs;
  return { ...binding, source, ...(ttlMs !== undefined && { ttlMs }) };
}
