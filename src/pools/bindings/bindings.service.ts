import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { concatMap, filter, type Subscription } from 'rxjs';
import { EngineDetector } from '../../engines/detection/engine-detector';
import { EngineKeys } from '../../engines/engine-keys';
import { asServiceError, ServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import type { KeptBinding } from '../registry/pool-store.port';
import { Alarms } from '../../time/alarms';
import { engineAddress, isSameEngine } from './engine-address';
import { EngineAllow } from './engine-allow.port';
import { isOfItself, KeptBindings } from './kept-bindings';
import {
  bindingSources,
  type Binding,
  type BindingSource,
  type NamedBinding,
  type ReplicaStatus,
  type UnbindCause,
} from '../registry/pool';
import { PoolRegistry, type BindOutcome, type PoolChange } from '../registry/pool-registry.port';
import { Prober } from '../probing/prober';

/** Of an engine that nobody has said the kind of, and that does not tell. */
const UNKNOWN_KIND = 'llamacpp';

/** How soon a binding that nobody will name again is tried anew. */
const RETRY_MS = 5_000;

/** Binds replicas, whoever names them: checked, probed at once, and known again after a restart. */
@Injectable()
export class BindingsService implements OnModuleInit, OnModuleDestroy {
  private unbound: Subscription | undefined;
  /** Bindings are made one after another, or one engine could be taken twice between a look and a step. */
  private making: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly registry: PoolRegistry,
    private readonly prober: Prober,
    private readonly allow: EngineAllow,
    private readonly keys: EngineKeys,
    private readonly detector: EngineDetector,
    private readonly kept: KeptBindings,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    this.unbound = this.registry.poolChanges$
      .pipe(
        filter(change => change.kind === 'unbound'),
        concatMap(change => this.attendUnbound(change)),
      )
      .subscribe();
  }

  onModuleDestroy(): void {
    this.unbound?.unsubscribe();
  }

  /**
   * Resolves once the engine was asked for the first time, whatever it said.
   * @throws ServiceError INVALID_PARAMS for an unknown engine, an address at which no engine may live, a key file that cannot be used,
   *   or one replica too many; REPLICA_CONFLICT for an engine that another replica has
   */
  async bind(binding: NamedBinding): Promise<BindOutcome> {
    const outcome = await this.take(binding);
    if (outcome !== 'kept') await this.prober.probeNow(binding.poolId, binding.replicaId);
    return outcome;
  }

  /** False when there is none. */
  async unbind(poolId: string, replicaId: string, cause?: UnbindCause): Promise<boolean> {
    // Who is told that it is gone must not find it again after a restart.
    const order = { poolId, replicaId, isOwn: isOfItself(cause) };
    return this.kept.order(order, () => this.registry.unbind(poolId, replicaId, cause));
  }

  /** For a binding that will not be named again: as {@link bind}, and tried until it is taken, for a host's name may come later. */
  async bindPersistently(binding: NamedBinding): Promise<void> {
    await this.persist(binding, async () => {
      if ((await this.bind(binding)) !== 'kept') return;
      // It will not be there for ever.
      throw new ServiceError('REPLICA_CONFLICT', { message: 'another engine is bound there, and alive' });
    });
  }

  /**
   * Bindings of the process before. Their engines are asked in the background; tasks wait for the answer. A time to live begins
   * anew, for nobody could renew while the service was down.
   */
  async restore(bindings: readonly KeptBinding[]): Promise<void> {
    await this.kept.begin(bindings);
    const ours = bindings.filter(({ isElsewhere }) => isElsewhere !== true);
    await Promise.all(ours.map(binding => this.restoreOne({ ...binding, source: sourceOf(binding) })));
    // Nothing is unbound for not having been kept: a handoff may have come in before this.
    await this.takeAll(bindings.filter(({ isElsewhere }) => isElsewhere === true));
  }

  /** What is kept now, and what is no more: it is bound here as it is kept, whoever has bound it. How long it lasts says who has. */
  async follow(bindings: readonly KeptBinding[], gone: ReadonlySet<string>): Promise<void> {
    for (const name of gone) {
      const [poolId = '', replicaId = ''] = name.split('/');
      if (this.kept.passesOver(poolId, replicaId)) continue;
      this.kept.learn(poolId, replicaId, undefined);
      const bound = await this.registry.replica(poolId, replicaId);
      if (bound && bound.source !== 'config') await this.registry.unbind(poolId, replicaId);
    }
    await this.takeAll(bindings);
  }

  private async takeAll(bindings: readonly KeptBinding[]): Promise<void> {
    for (const kept of bindings) {
      const { poolId, replicaId } = kept;
      if (this.kept.passesOver(poolId, replicaId)) continue;
      const bound = await this.registry.replica(poolId, replicaId);
      // What the configuration of this node names is its own.
      if (bound?.source === 'config') continue;
      this.kept.learn(poolId, replicaId, kept);
      const { ttlMs, ...binding } = { ...kept, source: sourceOf(kept) };
      const isTimed = ttlMs !== undefined && binding.isElsewhere !== true;
      const fields = { event: 'binding_not_followed', pool_id: poolId, replica_id: replicaId };
      const human = `Replica ${poolId}/${replicaId} cannot be bound here as another node was told.`;
      // A time to live begins anew where its node is no more, and this one is to see when it is over.
      const wanted = { ...binding, ...(isTimed && { ttlMs }) };
      if (bound && isAsKept(bound, wanted)) continue;
      await this.narrator.attend(this.registry.place(wanted), human, fields);
      this.prober.probeSoon(poolId, replicaId);
    }
  }

  private async restoreOne(binding: Binding): Promise<void> {
    const { poolId, replicaId, ttlMs } = binding;
    let lapsed = false;
    if (ttlMs !== undefined) this.alarms.after(ttlMs, () => (lapsed = true));
    await this.persist(binding, () => (lapsed ? this.kept.keep(poolId, replicaId) : this.takeUp(binding)));
  }

  private async takeUp(binding: Binding): Promise<void> {
    const { poolId, replicaId } = binding;
    // Somebody has unbound it, or named it anew.
    if (!this.kept.has(poolId, replicaId) || (await this.registry.replica(poolId, replicaId))) return;
    await this.take(binding);
    this.prober.probeSoon(poolId, replicaId);
  }

  private async persist({ poolId, replicaId }: NamedBinding, attempt: () => Promise<unknown>): Promise<void> {
    const again = async (isFirst: boolean): Promise<void> => {
      try {
        await attempt();
      } catch (cause) {
        this.alarms.after(RETRY_MS, () => void again(false));
        if (!isFirst) return;
        const fields = { event: 'binding_refused', pool_id: poolId, replica_id: replicaId };
        this.narrator.warn(`Replica ${poolId}/${replicaId} cannot be bound yet; it is tried again.`, fields, cause);
      }
    };
    await again(true);
  }

  private async take(named: NamedBinding): Promise<BindOutcome> {
    const { poolId, replicaId } = named;
    const addressed = named.url === undefined ? named : { ...named, url: engineAddress(named.url) };
    if (addressed.url !== undefined) await this.assertAllowed(addressed.url);
    await this.assertKeyed(addressed);
    const binding = { ...addressed, engine: addressed.engine ?? (await this.kindOf(addressed)) };
    const outcome = await this.kept.order({ poolId, replicaId }, () => this.make(binding));
    if (outcome === 'bound' || outcome === 'replaced') this.tellBound(binding, outcome);
    return outcome;
  }

  /** What lives there already is what it was found to be; one that gives no sign of its kind is taken for llama.cpp. */
  private async kindOf({ poolId, replicaId, url, apiKeyFile }: NamedBinding): Promise<string> {
    if (url === undefined) return UNKNOWN_KIND;
    const bound = await this.registry.replica(poolId, replicaId);
    if (bound?.live && bound.url === url) return bound.engine;
    const target = { url, poolId, replicaId, ...(apiKeyFile !== undefined && { apiKeyFile }) };
    const found = await this.detector.kindOf(target);
    const kind = found ?? UNKNOWN_KIND;
    const human =
      found === undefined
        ? `Nobody said of what kind the engine of ${poolId}/${replicaId} is, and it does not tell: it is taken for ${kind}.`
        : `Nobody said of what kind the engine of ${poolId}/${replicaId} is: by what it answers, ${kind}.`;
    this.narrator.tell(human, { event: 'engine_kind_found', engine: kind, pool_id: poolId, replica_id: replicaId });
    return kind;
  }

  private make(binding: Binding): Promise<BindOutcome> {
    const made = this.making.then(async () => {
      await this.assertSingle(binding);
      return this.registry.bind(binding);
    });
    this.making = made.catch(() => undefined);
    return made;
  }

  /** One engine is one replica, or its slots would count twice. Where nothing would change there is nothing to refuse. */
  private async assertSingle({ poolId, replicaId, url }: Binding): Promise<void> {
    if (url === undefined) return;
    const own = await this.registry.replica(poolId, replicaId);
    if (own?.live && !own.leaving) return;
    const holder = (await this.registry.pools())
      .flatMap(pool => pool.replicas)
      .filter(other => !other.leaving && (other.poolId !== poolId || other.replicaId !== replicaId))
      .find(other => other.url !== undefined && isSameEngine(other.url, url));
    if (!holder) return;
    const message = `the engine at this url is bound as ${holder.poolId}/${holder.replicaId} already: unbind that first`;
    throw new ServiceError('REPLICA_CONFLICT', { field: 'url', message });
  }

  private async assertAllowed(url: string): Promise<void> {
    const verdict = await this.allow.check(url);
    if (verdict.ok) return;
    const { reason: message, mayPass: retriable } = verdict;
    throw new ServiceError('INVALID_PARAMS', { field: 'url', message, retriable });
  }

  /** The file may come later: a mounted Secret is there when its volume is. */
  private async assertKeyed({ url = '', apiKeyFile }: NamedBinding): Promise<void> {
    if (apiKeyFile === undefined) return;
    try {
      await this.keys.read({ url, apiKeyFile });
    } catch (thrown) {
      const reason = asServiceError(thrown).message.replace(/^.*?: |\.$/g, '');
      throw new ServiceError('INVALID_PARAMS', {
        field: 'api_key_file',
        message: `api_key_file cannot be used: ${reason}`,
        retriable: true,
      });
    }
  }

  private tellBound({ poolId, replicaId, engine, source }: Binding, outcome: BindOutcome): void {
    this.narrator.tell(`Replica ${poolId}/${replicaId} is bound.`, {
      event: 'replica_bound',
      engine,
      pool_id: poolId,
      replica_id: replicaId,
      source,
      outcome,
    });
  }

  private attendUnbound(change: PoolChange): Promise<void> {
    const fields = { event: 'unbound_not_told', pool_id: change.poolId, replica_id: change.replicaId };
    return this.narrator.attend(this.tellUnbound(change), 'What became of a replica that leaves is not known.', fields);
  }

  private async tellUnbound({ poolId, replicaId, cause }: PoolChange): Promise<void> {
    if (replicaId === undefined) return;
    const { reason, by } = cause ?? {};
    const fields = { pool_id: poolId, replica_id: replicaId, ...(reason && { reason }), ...(by && { by }) };
    const why = reason === undefined ? '' : `: ${unboundBecause[reason]}${by === undefined ? '' : ` (${by})`}`;
    const replica = await this.registry.replica(poolId, replicaId);
    if (!replica) {
      this.narrator.tell(`Replica ${poolId}/${replicaId} is unbound${why}.`, { event: 'replica_unbound', ...fields });
    } else if (replica.leaving) {
      const human = `Replica ${poolId}/${replicaId} takes no new task and goes when its ${replica.running} running ones end${why}.`;
      this.narrator.tell(human, { event: 'replica_leaving', ...fields, running: replica.running });
    }
  }
}

const unboundBecause: Readonly<Record<UnbindCause['reason'], string>> = {
  lapsed: 'its registration was not renewed in time',
  handoff_removed: 'its handoff file was removed',
  handoff_changed: 'its handoff file names another replica',
  operator: 'an operator has unbound it',
};

/** Nothing that is kept is otherwise. */
function isAsKept(bound: ReplicaStatus, kept: Binding): boolean {
  return (
    !bound.leaving &&
    bound.url === kept.url &&
    bound.engine === kept.engine &&
    bound.source === kept.source &&
    bound.slotsDeclared === kept.slotsTotal &&
    bound.apiKeyFile === kept.apiKeyFile &&
    bound.ttlMs === kept.ttlMs &&
    bound.isElsewhere === kept.isElsewhere
  );
}

/** A name that nobody goes by counts as a worker's. */
function sourceOf(binding: KeptBinding): BindingSource {
  return bindingSources.find(source => source === binding.source) ?? 'worker';
}
