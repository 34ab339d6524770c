import { Injectable } from '@nestjs/common';
import { CatalogService } from '../../catalog/catalog.service';
import type { ModelEntry } from '../../catalog/model-catalog.port';
import { ModelStandings } from '../../catalog/model-standings';
import { goesBy } from '../../engines/model-names';
import { standIn } from '../../engines/stand-in';
import { ServiceError } from '../../errors/service-error';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import { ModelAliases } from '../../pools/placement/model-aliases';
import { canServe } from '../../pools/placement/model-choice';
import { PoolRegistry } from '../../pools/registry/pool-registry.port';
import type { ReplicaStatus } from '../../pools/registry/pool';
import { FallbackPolicy } from '../../tasks/dispatch/fallback-policy';
import { Clock } from '../../time/clock';

const SECOND_MS = 1000;
/** Of a catalogue; those of engines and aliases are few. */
const CATALOGUED_MAX = 10_000;

/** A model as OpenAI's API lists it. */
export interface ListedModel {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  /** The kind of its engine; where none has it, or several models go by the name, `catalogue` or `alias`. */
  readonly ownedBy: string;
}

/** Which models there are for clients that name one in every request. */
@Injectable()
export class ModelNames {
  private readonly startedAtMs: number;

  constructor(
    private readonly registry: PoolRegistry,
    private readonly standings: ModelStandings,
    private readonly catalog: CatalogService,
    private readonly aliases: ModelAliases,
    private readonly fallback: FallbackPolicy,
    clock: Clock,
  ) {
    this.startedAtMs = clock.wallMs();
  }

  /** By name: those that an engine has and may be used, aliases, and what else the catalogue allows. */
  list(): readonly ListedModel[] {
    const found = new Map<string, ListedModel>();
    for (const alias of this.aliases.names) found.set(alias, this.alias(alias));
    for (const replica of this.replicas()) {
      for (const model of replica.models ?? []) {
        if (found.has(model.id) || !canServe(model, replica) || this.standings.barOn(model)) continue;
        found.set(model.id, listed(model.id, replica));
      }
    }
    for (const { id, createdAtMs } of this.standings.admissible(CATALOGUED_MAX))
      if (!found.has(id)) found.set(id, named(id, createdAtMs, 'catalogue'));
    if (this.standsIn(noConstraints)) found.set(standIn.engine, this.standIn());
    return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** By name: those that a ready engine holds in memory, under the names that engines have for them. */
  loaded(): readonly ListedModel[] {
    const found = new Map<string, ListedModel>();
    for (const replica of this.replicas()) {
      if (!replica.ready) continue;
      for (const model of replica.models ?? []) {
        if (model.state === 'loaded' && !this.standings.barOn(model)) found.set(model.id, listed(model.id, replica));
      }
    }
    return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** By any of its names. @throws ServiceError MODEL_NOT_FOUND */
  async get(name: string): Promise<ListedModel> {
    if (this.aliases.has(name)) return this.alias(name);
    const names = this.standings.namesOf(name);
    const replica = this.replicas().find(({ models = [] }) => models.some(model => goesBy(model, names)));
    if (replica) return listed(name, replica);
    if (this.isStandIn(name, noConstraints)) return this.standIn();
    const entry = await this.entry(name);
    if (!entry) throw unknownModel(name);
    return named(name, entry.createdAtMs, 'catalogue');
  }

  /** Whether that is the built-in stand-in, which answers to its own name alone, and may answer. */
  isStandIn(name: string, constraints: PlacementConstraints): boolean {
    const { workload } = constraints;
    return name === standIn.engine && (workload === 'chat' || workload === 'completion') && this.standsIn(constraints);
  }

  /** The largest context that a slot has for it, as far as engines tell. */
  contextOf(name: string): number | undefined {
    const names = this.standings.namesOf(name);
    const contexts = this.replicas().flatMap(({ models = [], ctxMax }) =>
      models.filter(model => goesBy(model, names)).map(model => model.ctxMax ?? ctxMax ?? 0),
    );
    const largest = Math.max(0, ...contexts);
    return largest > 0 ? largest : undefined;
  }

  /** Whether an engine that is ready has it, whatever it can do. */
  isReady(name: string): boolean {
    const names = this.standings.namesOf(name);
    return this.replicas().some(({ ready, models = [] }) => ready && models.some(model => goesBy(model, names)));
  }

  /** Whether there is or may be such a model: an alias, one that an engine or the catalogue names, or an engine that has not told yet. */
  async isKnown(name: string): Promise<boolean> {
    if (this.aliases.has(name)) return true;
    const names = this.standings.namesOf(name);
    if (this.replicas().some(({ models }) => models?.some(model => goesBy(model, names)) ?? true)) return true;
    return (await this.entry(name)) !== undefined;
  }

  private async entry(name: string): Promise<ModelEntry | undefined> {
    try {
      return await this.catalog.get(name);
    } catch (thrown) {
      if (thrown instanceof ServiceError && thrown.code === 'MODEL_NOT_FOUND') return undefined;
      throw thrown;
    }
  }

  private standsIn(constraints: PlacementConstraints): boolean {
    return this.fallback.for(constraints) === 'deterministic';
  }

  private standIn(): ListedModel {
    return named(standIn.engine, this.startedAtMs, standIn.engine);
  }

  private alias(name: string): ListedModel {
    return named(name, this.startedAtMs, 'alias');
  }

  private replicas(): readonly ReplicaStatus[] {
    return this.registry.view().flatMap(pool => pool.replicas.filter(({ url }) => url !== undefined));
  }
}

export function unknownModel(name: string): ServiceError {
  return new ServiceError('MODEL_NOT_FOUND', { field: 'model', message: `The model \`${name}\` does not exist.` });
}

function listed(id: string, { boundAtMs, engine }: ReplicaStatus): ListedModel {
  return named(id, boundAtMs, engine);
}

function named(id: string, sinceMs: number, ownedBy: string): ListedModel {
  return { id, created: Math.floor(sinceMs / SECOND_MS), ownedBy };
}

const noConstraints: PlacementConstraints = { preferPools: [], avoidPools: [], workload: 'chat' };
