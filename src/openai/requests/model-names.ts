import { Injectable } from '@nestjs/common';
import { CatalogService } from '../../catalog/catalog.service';
import { ModelStandings } from '../../catalog/model-standings';
import { goesBy } from '../../engines/model-names';
import { ServiceError } from '../../errors/service-error';
import { canServe } from '../../pools/placement/model-choice';
import { PoolRegistry } from '../../pools/registry/pool-registry.port';
import type { ReplicaStatus } from '../../pools/registry/pool';

const SECOND_MS = 1000;

/** A model as OpenAI's API lists it. */
export interface ListedModel {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  readonly ownedBy: string;
}

/** Which models there are for clients that name one in every request. */
@Injectable()
export class ModelNames {
  constructor(
    private readonly registry: PoolRegistry,
    private readonly standings: ModelStandings,
    private readonly catalog: CatalogService,
  ) {}

  /** Those that an engine has and may be used, by name. */
  list(): readonly ListedModel[] {
    const found = new Map<string, ListedModel>();
    for (const replica of this.replicas()) {
      for (const model of replica.models ?? []) {
        if (found.has(model.id) || !canServe(model, replica) || this.standings.barOn(model)) continue;
        found.set(model.id, listed(model.id, replica));
      }
    }
    return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** By any of its names. @throws ServiceError MODEL_NOT_FOUND */
  get(name: string): ListedModel {
    const names = this.standings.namesOf(name);
    const replica = this.replicas().find(({ models = [] }) => models.some(model => goesBy(model, names)));
    if (!replica) throw unknownModel(name);
    return listed(name, replica);
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

  /** Whether there is or may be such a model: one that an engine or the catalogue names, or an engine that has not told yet. */
  async isKnown(name: string): Promise<boolean> {
    const names = this.standings.namesOf(name);
    if (this.replicas().some(({ models }) => models?.some(model => goesBy(model, names)) ?? true)) return true;
    try {
      await this.catalog.get(name);
      return true;
    } catch (thrown) {
      if (thrown instanceof ServiceError && thrown.code === 'MODEL_NOT_FOUND') return false;
      throw thrown;
    }
  }

  private replicas(): readonly ReplicaStatus[] {
    return this.registry.view().flatMap(pool => pool.replicas.filter(({ url }) => url !== undefined));
  }
}

export function unknownModel(name: string): ServiceError {
  return new ServiceError('MODEL_NOT_FOUND', { field: 'model', message: `The model \`${name}\` does not exist.` });
}

function listed(id: string, { boundAtMs, engine }: ReplicaStatus): ListedModel {
  return { id, created: Math.floor(boundAtMs / SECOND_MS), ownedBy: engine };
}
