import { Injectable } from '@nestjs/common';
import { Narrator } from '../observability/narrator';
import { BindingsService } from '../pools/bindings/bindings.service';
import { toReplicaView } from '../pools/pool.view';
import { PoolRegistry, type BindOutcome } from '../pools/registry/pool-registry.port';
import type { RegisterWorkerDto, WorkerView } from './workers.dto';

/** What became of a registration. */
interface Registered {
  readonly outcome: BindOutcome;
  readonly engine: string;
}

/** Engine processes that announce themselves. */
@Injectable()
export class WorkersService {
  constructor(
    private readonly bindings: BindingsService,
    private readonly registry: PoolRegistry,
    private readonly narrator: Narrator,
  ) {}

  /** @throws ServiceError as {@link BindingsService.bind} */
  async register(body: RegisterWorkerDto, identity: string): Promise<Registered> {
    const { pool_id: poolId, replica_id: replicaId } = body;
    this.narrator.tell(`A worker registers as ${poolId}/${replicaId}.`, {
      event: 'worker_register',
      identity,
      pool_id: poolId,
      replica_id: replicaId,
    });
    const outcome = await this.bindings.bind({
      poolId,
      replicaId,
      source: 'worker',
      ...(body.engine != null && { engine: body.engine }),
      ...(body.url != null && { url: body.url }),
      ...(body.engine_version != null && { engineVersion: body.engine_version }),
      ...(body.slots_total != null && { slotsTotal: body.slots_total }),
      ...(body.device_mask != null && { deviceMask: body.device_mask }),
      ...(body.ttl_ms != null && { ttlMs: body.ttl_ms }),
      ...(body.api_key_file != null && { apiKeyFile: body.api_key_file }),
    });
    // Gone already where its time to live is shorter than the engine's answer.
    const engine = (await this.registry.replica(poolId, replicaId))?.engine ?? body.engine ?? 'unknown';
    return { outcome, engine };
  }

  /** By pool and replica, after `pool/replica`. */
  async list(after: string, limit: number): Promise<WorkerView[]> {
    const replicas = (await this.registry.pools()).flatMap(pool => pool.replicas);
    const workers = replicas.map(replica => ({ pool_id: replica.poolId, ...toReplicaView(replica) }));
    const rest = workers.filter(worker => nameOf(worker) > after).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    return rest.slice(0, limit);
  }

  /**
   * False when there is none.
   * @param by the fingerprint of the operator's key
   */
  remove(poolId: string, replicaId: string, by: string | undefined): Promise<boolean> {
    return this.bindings.unbind(poolId, replicaId, { reason: 'operator', ...(by !== undefined && { by }) });
  }
}

function nameOf({ pool_id, replica_id }: WorkerView): string {
  return `${pool_id}/${replica_id}`;
}
