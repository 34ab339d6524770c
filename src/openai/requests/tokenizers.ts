import { Injectable } from '@nestjs/common';
import { operations, type EngineTarget, type Tokenizer } from '../../engines/engine-adapter.port';
import { ServiceError } from '../../errors/service-error';
import { ModelAliases } from '../../pools/placement/model-aliases';
import { PlacementService } from '../../pools/placement/placement.service';
import { EngineAccess } from '../../pools/probing/engine-access';
import { PoolRegistry } from '../../pools/registry/pool-registry.port';
import { ModelNames, unknownModel } from './model-names';

const RETRY_UNAVAILABLE_MS = 5000;

/** Whose tokenizer is asked, and by which name it knows the model. */
export interface FoundTokenizer {
  readonly tokenizer: Tokenizer;
  readonly target: EngineTarget;
  readonly model?: string;
  /** Tokens that a slot has room for, where the engine tells. */
  readonly ctxMax?: number;
}

/** Finds an engine that has a model and lets its tokenizer be asked. */
@Injectable()
export class Tokenizers {
  constructor(
    private readonly models: ModelNames,
    private readonly aliases: ModelAliases,
    private readonly placement: PlacementService,
    private readonly registry: PoolRegistry,
    private readonly engines: EngineAccess,
  ) {}

  /**
   * @throws ServiceError MODEL_NOT_FOUND, POOL_UNAVAILABLE where no engine that has it is ready, NOT_SUPPORTED where none of those can
   */
  async of(name: string): Promise<FoundTokenizer> {
    const others = new Set<string>();
    for (const workload of operations) {
      const wanted = this.aliases.resolved({ preferPools: [], avoidPools: [], modelRef: name, workload });
      if (this.placement.assess(wanted).verdict !== 'ready') continue;
      for (const { poolId, replicaId, model } of this.placement.readyFor(wanted)) {
        const replica = await this.registry.replica(poolId, replicaId);
        if (!replica) continue;
        const { adapter, target } = this.engines.of(replica);
        const { tokenizer, engine } = adapter;
        const { ctxMax } = replica;
        if (tokenizer)
          return { tokenizer, target, ...(model !== undefined && { model }), ...(ctxMax !== undefined && { ctxMax }) };
        others.add(engine);
      }
    }
    if (others.size > 0) {
      const message = `The model \`${name}\` is served by ${[...others].sort().join(', ')}, whose tokenizer cannot be asked.`;
      throw new ServiceError('NOT_SUPPORTED', { field: 'model', message });
    }
    if (!(await this.models.isKnown(name))) throw unknownModel(name);
    const message = `No engine that has the model \`${name}\` is ready.`;
    throw new ServiceError('POOL_UNAVAILABLE', { field: 'model', message, retryAfterMs: RETRY_UNAVAILABLE_MS });
  }
}
