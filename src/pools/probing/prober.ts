import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { Config } from '../../config/config';
import type { EngineProbe } from '../../engines/engine-adapter.port';
import { Narrator } from '../../observability/narrator';
import { Alarms, type Alarm } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { ConcurrencyLimits } from './concurrency-limits';
import { EngineAccess } from './engine-access';
import { KvUsage } from './kv-usage';
import type { ReplicaStatus } from '../registry/pool';
import { PoolRegistry } from '../registry/pool-registry.port';
import { SharedProbes, type ToldProbe } from './shared-probes.port';
import { SlotWatch } from './slot-watch';
import { TimeUp, withinTime } from '../../time/time-limit';
import { Turns } from './turns';

/** Engines asked at once: as many sockets, and far fewer than would hold up what the service is for. */
const MAX_CONCURRENT = 64;

/** Beyond its time a probe has so long to tell what it knows by then. */
const LAST_WORDS_MS = 250;

/**
 * Asks every bound engine how it is, at an interval and when somebody has reason to doubt, and tells the registry. Of several nodes one asks
 * each engine in its rounds, and the others take its word.
 */
@Injectable()
export class Prober implements OnModuleInit, OnModuleDestroy {
  private readonly turns = new Turns(MAX_CONCURRENT);
  private nextRound: Alarm | undefined;
  private looks: Subscription | undefined;
  private words: Subscription | undefined;
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly registry: PoolRegistry,
    private readonly engines: EngineAccess,
    private readonly kvUsage: KvUsage,
    private readonly limits: ConcurrencyLimits,
    private readonly slots: SlotWatch,
    private readonly shared: SharedProbes,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    this.planRound();
    // A round that is under way asks as well, but may have begun before what is looked for.
    this.looks = this.slots.due$.subscribe(({ poolId, replicaId }) => this.probeSoon(poolId, replicaId));
    this.words = this.shared.told$.subscribe(told => void this.hear(told));
  }

  onModuleDestroy(): void {
    this.stopped = true;
    this.nextRound?.cancel();
    this.looks?.unsubscribe();
    this.words?.unsubscribe();
  }

  /** Asks without being waited for: after an attempt failed. */
  probeSoon(poolId: string, replicaId: string): void {
    void this.probeNow(poolId, replicaId);
  }

  /** Resolves once the registry knows an answer to a question that was put after this call. Never rejects. */
  probeNow(poolId: string, replicaId: string): Promise<void> {
    return this.turns.take(`${poolId}/${replicaId}`, () => this.probe(poolId, replicaId));
  }

  private planRound(): void {
    this.nextRound = this.alarms.after(this.config.probeIntervalMs, () => void this.round());
  }

  /** Spread over the interval. An engine that still owes an answer is not asked again. */
  private async round(): Promise<void> {
    if (this.stopped) return;
    this.planRound();
    try {
      const replicas = (await this.registry.pools())
        .flatMap(pool => pool.replicas)
        .filter(({ url }) => url !== undefined);
      const ours = await this.shared.ours(replicas);
      const asked = replicas.filter(({ poolId, replicaId }) => ours.has(`${poolId}/${replicaId}`));
      const stepMs = this.config.probeIntervalMs / asked.length;
      for (const [index, { poolId, replicaId }] of asked.entries()) {
        this.alarms.after(index * stepMs, () => {
          if (!this.turns.isTaken(`${poolId}/${replicaId}`)) this.probeSoon(poolId, replicaId);
        });
      }
    } catch (cause) {
      this.narrator.fail('A round of probes failed; the next one goes on.', { event: 'probe_round_failed' }, cause);
    }
  }

  private async probe(poolId: string, replicaId: string): Promise<void> {
    await this.attend(poolId, replicaId, async () => {
      const before = await this.registry.replica(poolId, replicaId);
      if (before?.url === undefined || this.stopped) return;
      const after = await this.observe(before);
      if (after) this.show(before, after);
    });
  }

  /** What another node was told. */
  private async hear({ poolId, replicaId, url, engine, probe, ageMs }: ToldProbe): Promise<void> {
    await this.attend(poolId, replicaId, async () => {
      const before = await this.registry.replica(poolId, replicaId);
      if (this.stopped || before?.url !== url || before.engine !== engine) return;
      // That node may be the one that is cut off.
      if (probe.state === 'unreachable' && before.live) return this.probeSoon(poolId, replicaId);
      const askedAtMs = ageMs === undefined ? undefined : this.clock.nowMs() - ageMs;
      const after = await this.take(before, probe, askedAtMs);
      if (after) this.show(before, after);
    });
  }

  private async attend(poolId: string, replicaId: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      const fields = { event: 'probe_failed', pool_id: poolId, replica_id: replicaId };
      this.narrator.fail('A probe failed inside the service.', fields, cause);
    }
  }

  private show(before: ReplicaStatus, after: ReplicaStatus): void {
    this.kvUsage.show(after);
    if (hasNews(before, after)) this.tell(after);
  }

  private async take(
    replica: ReplicaStatus,
    probe: EngineProbe,
    askedAtMs: number | undefined,
  ): Promise<ReplicaStatus | undefined> {
    const { poolId, replicaId } = replica;
    await this.registry.observe(poolId, replicaId, this.limits.applied(replica, probe), askedAtMs);
    const after = await this.registry.replica(poolId, replicaId);
    if (after) this.slots.seen(after);
    return after;
  }

  /** The replica as it stands afterwards; undefined when it is gone, or another engine took its place meanwhile. */
  private async observe(before: ReplicaStatus): Promise<ReplicaStatus | undefined> {
    const { poolId, replicaId } = before;
    for (;;) {
      const { answer, inTime, askedAtMs } = await this.ask(before);
      const now = await this.registry.replica(poolId, replicaId);
      if (this.stopped || now?.url !== before.url || now?.engine !== before.engine) return undefined;
      const after = await this.take(now, answer, askedAtMs);
      const { url, engine } = now;
      const ageMs = this.clock.nowMs() - askedAtMs;
      const probe = answer.slotsUnasked && after ? { ...answer, slotsElsewhere: after.slotsElsewhere } : answer;
      if (url !== undefined) this.shared.tell({ poolId, replicaId, url, engine, probe, ageMs });
      // A refusal is confirmed at once, and then the engine is dead; one that is too busy to answer gets another round.
      const isDoubtful = answer.state === 'unreachable' && inTime && (after?.live === true || after?.probed === false);
      if (!isDoubtful) return after;
    }
  }

  private async ask(replica: ReplicaStatus): Promise<Asked> {
    const { adapter, target } = this.engines.of(replica);
    const { probeTimeoutMs } = this.config;
    const { question, askedAtMs } = this.slots.ask(replica);
    const late: EngineProbe = {
      state: 'unreachable',
      reason: `The engine did not answer within ${probeTimeoutMs} ms.`,
    };
    const timeUp = new AbortController();
    const alarm = this.alarms.after(probeTimeoutMs, () => timeUp.abort(new TimeUp(`not done in ${probeTimeoutMs} ms`)));
    try {
      const answer = await withinTime(this.alarms, probeTimeoutMs + LAST_WORDS_MS, () =>
        adapter.probe(target, timeUp.signal, question),
      );
      const inTime = !timeUp.signal.aborted;
      return { answer: inTime || answer.state !== 'unreachable' ? answer : late, inTime, askedAtMs };
    } catch (cause) {
      if (!(cause instanceof TimeUp) && !timeUp.signal.aborted) throw cause;
      return { answer: late, inTime: false, askedAtMs };
    } finally {
      alarm.cancel();
    }
  }

  private tell({ engine, engineVersion, poolId, replicaId, ready, live, lastError }: ReplicaStatus): void {
    const state = ready ? 'is ready' : live ? 'is not ready yet' : 'cannot be reached';
    this.narrator.tell(`Engine ${poolId}/${replicaId} ${state}.`, {
      event: 'replica_health',
      engine,
      engine_version: engineVersion,
      pool_id: poolId,
      replica_id: replicaId,
      live,
      ready,
      ...(lastError !== undefined && { reason: lastError }),
    });
  }
}

interface Asked {
  readonly answer: EngineProbe;
  readonly inTime: boolean;
  readonly askedAtMs: number;
}

/** One line for each change of health, none for a probe that says the same again. */
function hasNews(before: ReplicaStatus, after: ReplicaStatus): boolean {
  if (after.leaving) return false;
  return (
    before.probed !== after.probed ||
    before.live !== after.live ||
    before.ready !== after.ready ||
    before.lastError !== after.lastError
  );
}
