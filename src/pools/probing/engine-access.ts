import { Injectable } from '@nestjs/common';
import type { EngineAdapter, EngineTarget } from '../../engines/engine-adapter.port';
import { EngineRegistry } from '../../engines/engine-registry';
import { standIn } from '../../engines/stand-in';
import { ServiceError } from '../../errors/service-error';
import type { ReplicaStatus } from '../registry/pool';

/** The adapter of a replica with its address; the deterministic engine stands in where no engine is bound. */
@Injectable()
export class EngineAccess {
  constructor(private readonly engines: EngineRegistry) {}

  of({ engine, poolId, replicaId, url, apiKeyFile }: ReplicaStatus): {
    readonly adapter: EngineAdapter;
    readonly target: EngineTarget;
  } {
    const adapter = this.engines.find(url === undefined ? standIn.engine : engine);
    if (!adapter) throw new ServiceError('INTERNAL', {}, new Error(`no adapter for ${engine}`));
    const target = { url: url ?? '', poolId, replicaId, ...(apiKeyFile !== undefined && { apiKeyFile }) };
    return { adapter, target };
  }
}
