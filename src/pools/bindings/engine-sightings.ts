import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { filter, take, type Subscription } from 'rxjs';
import { Config } from '../../config/config';
import { Narrator } from '../../observability/narrator';
import { PoolRegistry } from '../registry/pool-registry.port';
import { PoolStore } from '../registry/pool-store.port';

/** Whether an engine with an address was ever bound or configured here, over restarts: from then on real work is real engines'. */
@Injectable()
export class EngineSightings implements OnModuleInit, OnModuleDestroy {
  private seen: boolean;
  private bound: Subscription | undefined;

  constructor(
    config: Config,
    private readonly registry: PoolRegistry,
    private readonly store: PoolStore,
    private readonly narrator: Narrator,
  ) {
    this.seen = config.llamacppUrl !== undefined || config.engineUrls.length > 0;
  }

  get any(): boolean {
    return this.seen;
  }

  onModuleInit(): void {
    const seen$ = this.registry.poolChanges$.pipe(
      filter(({ kind }) => kind === 'bound' && this.hasAddress()),
      take(1),
    );
    this.bound = seen$.subscribe(() => {
      this.seen = true;
      void this.narrator.attend(this.keep(), 'That an engine was bound here could not be kept.', {
        event: 'engine_sighting_not_kept',
      });
    });
  }

  onModuleDestroy(): void {
    this.bound?.unsubscribe();
  }

  /** Takes in what was kept before this start. */
  async restore(): Promise<void> {
    const { hadEngine, bindings } = await this.store.recovered();
    if (hadEngine || bindings.length > 0) this.seen = true;
  }

  private hasAddress(): boolean {
    return this.registry.view().some(pool => pool.replicas.some(({ url }) => url !== undefined));
  }

  private async keep(): Promise<void> {
    const { hadEngine } = await this.store.recovered();
    if (!hadEngine) await this.store.saveEngineSeen();
  }
}
