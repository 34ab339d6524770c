import { createHash } from 'node:crypto';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { Config } from '../config/config';
import { standIn } from '../engines/stand-in';
import { EngineSightings } from '../pools/bindings/engine-sightings';
import type { ReplicaStatus } from '../pools/registry/pool';
import { PoolRegistry } from '../pools/registry/pool-registry.port';
import { API_VERSION } from '../http/documents/versions';
import type { CapabilitiesView, EngineCapabilitiesView } from './meta.dto';

/** What this service can do right now, as bytes that are the same until something changes. */
export interface CapabilitiesSnapshot {
  readonly json: string;
  readonly etag: string;
}

/** Computes the capabilities once for each change of the bindings. */
@Injectable()
export class CapabilitiesService implements OnModuleInit, OnModuleDestroy {
  /** Being computed or done; a change takes it away even while it is computed, for it may not have seen the change. */
  private cached: Promise<CapabilitiesSnapshot> | undefined;
  private changes: Subscription | undefined;

  constructor(
    private readonly config: Config,
    private readonly registry: PoolRegistry,
    private readonly sightings: EngineSightings,
  ) {}

  onModuleInit(): void {
    this.changes = this.registry.poolChanges$.subscribe(() => (this.cached = undefined));
  }

  onModuleDestroy(): void {
    this.changes?.unsubscribe();
  }

  /** `hit`: it was there already, or another request is having it computed. */
  async snapshot(): Promise<{ readonly snapshot: CapabilitiesSnapshot; readonly hit: boolean }> {
    const hit = this.cached !== undefined;
    const computing = (this.cached ??= this.compute());
    try {
      return { snapshot: await computing, hit };
    } catch (cause) {
      if (this.cached === computing) this.cached = undefined;
      throw cause;
    }
  }

  private async compute(): Promise<CapabilitiesSnapshot> {
    const capabilities: CapabilitiesView = { api_version: API_VERSION, engines: await this.engines() };
    const json = `${JSON.stringify(capabilities)}\n`;
    return { json, etag: `"${createHash('sha256').update(json).digest('hex').slice(0, 32)}"` };
  }

  private async engines(): Promise<EngineCapabilitiesView[]> {
    const groups = new Map<string, ReplicaStatus[]>();
    for (const replica of (await this.registry.pools()).flatMap(pool => pool.replicas)) {
      if (replica.url === undefined || replica.leaving) continue;
      const key = `${replica.engine} ${replica.engineVersion}`;
      groups.set(key, [...(groups.get(key) ?? []), replica]);
    }
    const bound = [...groups.values()]
      .map(replicas => this.capabilitiesOf(replicas))
      .filter(engine => engine !== undefined);
    return this.mayStandIn() ? [...bound, this.standIn()] : bound;
  }

  private mayStandIn(): boolean {
    const { fallback } = this.config;
    return fallback === 'deterministic' || (fallback === 'auto' && !this.sightings.any);
  }

  private capabilitiesOf(replicas: readonly ReplicaStatus[]): EngineCapabilitiesView | undefined {
    const [first] = replicas;
    if (!first) return undefined;
    const contexts = replicas.map(replica => replica.ctxMax).filter(ctx => ctx !== undefined);
    return {
      engine: first.engine,
      engine_version: first.engineVersion,
      builtin: false,
      ctx_max: contexts.length > 0 ? Math.max(...contexts) : null,
      supported_workloads: union(replicas.map(replica => replica.supportedWorkloads)),
      features: union(replicas.map(replica => replica.features)),
      models: union(replicas.map(namesOfModels)),
      pools: union(replicas.map(replica => [replica.poolId])),
      rate_limits: this.limits(replicas.reduce((slots, replica) => slots + replica.slotsTotal, 0)),
    };
  }

  /** Answers where no pool is ready; it is listed so that nobody is surprised by it. */
  private standIn(): EngineCapabilitiesView {
    return {
      engine: standIn.engine,
      engine_version: standIn.engineVersion,
      builtin: true,
      ctx_max: null,
      supported_workloads: standIn.supportedWorkloads,
      features: standIn.features,
      models: [],
      pools: [],
      rate_limits: this.limits(0),
    };
  }

  private limits(slotsTotal: number): EngineCapabilitiesView['rate_limits'] {
    return { slots_total: slotsTotal, queue_capacity: this.config.admissionCapacity };
  }
}

function namesOfModels({ models = [] }: ReplicaStatus): readonly string[] {
  return models.filter(({ state }) => state !== 'failed').map(model => model.id);
}

function union(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())].sort();
}
