import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../config/config';
import { Narrator } from '../observability/narrator';
import { BindingsService } from './bindings.service';

/** Binds the engine that the environment names (`ORCHD_LLAMACPP_URL`). One that is not up yet is probed until it is. */
@Injectable()
export class ConfigBinding implements OnApplicationBootstrap {
  constructor(
    private readonly config: Config,
    private readonly bindings: BindingsService,
    private readonly narrator: Narrator,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { llamacppUrl: url, llamacppPool: poolId, llamacppReplica: replicaId } = this.config;
    if (url === undefined) return;
    try {
      await this.bindings.bind({ poolId, replicaId, engine: 'llamacpp', url, source: 'config' });
    } catch (cause) {
      this.narrator.warn('The engine of ORCHD_LLAMACPP_URL was not bound.', { event: 'binding_refused', pool_id: poolId }, cause);
    }
  }
}
