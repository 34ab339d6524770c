import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../../config/config';
import { BindingsService } from './bindings.service';

/**
 * Binds the engines that the environment names (`ORCHD_LLAMACPP_URL`, `ORCHD_ENGINE_URLS`). One that is not up yet is probed until it is;
 * one of a kind that there is not is tried again for ever, and the log says why.
 */
@Injectable()
export class ConfigBinding implements OnApplicationBootstrap {
  constructor(
    private readonly config: Config,
    private readonly bindings: BindingsService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { llamacppUrl: url, llamacppPool: poolId, llamacppReplica: replicaId } = this.config;
    const { llamacppApiKeyFile: apiKeyFile } = this.config;
    if (url !== undefined) {
      const key = apiKeyFile === undefined ? {} : { apiKeyFile };
      await this.bindings.bindPersistently({ poolId, replicaId, engine: 'llamacpp', url, source: 'config', ...key });
    }
    await this.bindNamed();
  }

  /** Engines of one kind are replicas of one pool. */
  private async bindNamed(): Promise<void> {
    const { engineUrls, engineSlots: slotsTotal } = this.config;
    const counts = new Map<string, number>();
    for (const { name, url, keyFile } of engineUrls) {
      const count = counts.get(name) ?? 0;
      counts.set(name, count + 1);
      const slots = slotsTotal === undefined ? {} : { slotsTotal };
      const key = keyFile === undefined ? {} : { apiKeyFile: keyFile };
      const replica = { poolId: name, replicaId: `r${count}`, engine: name };
      await this.bindings.bindPersistently({ ...replica, url, source: 'config', ...slots, ...key });
    }
  }
}
