import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../../config/config';
import { BindingsService } from './bindings.service';

/** Binds the engine that the environment names (`ORCHD_LLAMACPP_URL`). One that is not up yet is probed until it is. */
@Injectable()
export class ConfigBinding implements OnApplicationBootstrap {
  constructor(
    private readonly config: Config,
    private readonly bindings: BindingsService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { llamacppUrl: url, llamacppPool: poolId, llamacppReplica: replicaId } = this.config;
    const { llamacppApiKeyFile: apiKeyFile } = this.config;
    if (url === undefined) return;
    const key = apiKeyFile === undefined ? {} : { apiKeyFile };
    await this.bindings.bindPersistently({ poolId, replicaId, engine: 'llamacpp', url, source: 'config', ...key });
  }
}
