import type { EngineModel } from '../engines/engine-adapter.port';
import type { ReplicaStatus } from './registry/pool';
import type { PoolView, PoolHealthView, ReplicaView } from './pools.dto';
import type { PoolStanding } from './placement/pools.service';

/** What an unknown pool's health says, by contract. */
export const unknownPoolHealth: PoolHealthView = {
  live: true,
  ready: true,
  draining: false,
  metrics: {},
  last_error: null,
  replicas: [],
};

export function toHealthDto({ pool, queueDepth }: PoolStanding): PoolHealthView {
  return {
    live: pool.live,
    ready: pool.ready,
    draining: pool.draining,
    metrics: {
      queue_depth: queueDepth,
      slots_total: pool.slotsTotal,
      slots_free: pool.slotsFree,
      running: pool.running,
      releasing: pool.releasing,
    },
    last_error: pool.lastError ?? null,
    replicas: pool.replicas.map(toReplicaView),
  };
}

export function toPoolView(standing: PoolStanding): PoolView {
  const { poolId, reloading, lastPurge } = standing.pool;
  return {
    pool_id: poolId,
    reloading,
    ...toHealthDto(standing),
    ...(lastPurge !== undefined && { last_purge: lastPurge }),
  };
}

/** The address stays inside: it can name hosts that clients have no business with. */
export function toReplicaView(replica: ReplicaStatus): ReplicaView {
  return {
    replica_id: replica.replicaId,
    engine: replica.engine,
    engine_version: replica.engineVersion,
    source: replica.source,
    live: replica.live,
    ready: replica.ready,
    leaving: replica.leaving,
    slots_total: replica.slotsTotal,
    slots_free: replica.slotsFree,
    running: replica.running,
    releasing: replica.releasing,
    ...(replica.sleeping !== undefined && { sleeping: replica.sleeping }),
    ...(replica.ctxMax !== undefined && { ctx_max: replica.ctxMax }),
    ...(replica.models && modelsDto(replica.models)),
    ...(replica.loadedModel !== undefined && { loaded_model: replica.loadedModel }),
    api_key_set: replica.apiKeyFile !== undefined,
    ...(replica.deviceMask !== undefined && { device_mask: replica.deviceMask }),
    last_error: replica.lastError ?? null,
    bound_ms: replica.boundAtMs,
    ...(replica.lastSeenMs !== undefined && { last_seen_ms: replica.lastSeenMs }),
  };
}

/** What can be asked for, and apart from it what could not be loaded. */
function modelsDto(models: readonly EngineModel[]): Pick<ReplicaView, 'models' | 'failed_models'> {
  const failed = models.filter(({ state }) => state === 'failed');
  return {
    models: models.filter(({ state }) => state !== 'failed').map(model => model.id),
    ...(failed.length > 0 && { failed_models: failed.map(({ id, reason = '' }) => ({ model: id, reason })) }),
  };
}
