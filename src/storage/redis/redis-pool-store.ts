import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Subject } from 'rxjs';
import { PoolStore, type KeptBinding, type KeptDrain, type KeptPools } from '../../pools/registry/pool-store.port';
import { Store } from './connection/store';
import { NodeBeat } from './node-beat';
import { poolsScript, savePoolsScript } from './scripts/pool-scripts';
import { fieldsOf } from './task-fields';

/** The truth of what hints tell of. */
const LOOK_MS = 1000;

/** Bindings and drains of all nodes: hashes, with a version that each change raises. */
@Injectable()
export class RedisPoolStore extends PoolStore implements OnModuleDestroy {
  private readonly changes = new Subject<KeptPools>();
  override readonly changed$ = this.changes.asObservable();
  private start: Promise<KeptPools & { hadEngine: boolean }> | undefined;
  private version = -1;
  private looking: Promise<void> | undefined;
  private ticker: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;

  constructor(
    private readonly store: Store,
    private readonly node: NodeBeat,
  ) {
    super();
  }

  onModuleDestroy(): void {
    clearInterval(this.ticker);
    this.stopListening?.();
  }

  recovered(): Promise<KeptPools & { readonly hadEngine: boolean }> {
    return (this.start ??= this.open());
  }

  saveBinding(binding: KeptBinding): Promise<void> {
    return this.save(
      'bindings',
      `${binding.poolId}/${binding.replicaId}`,
      JSON.stringify({ ...binding, by: this.node.nodeId }),
    );
  }

  removeBinding(poolId: string, replicaId: string): Promise<void> {
    return this.save('bindings', `${poolId}/${replicaId}`, '');
  }

  saveDrain(drain: KeptDrain): Promise<void> {
    return this.save('drains', drain.poolId, JSON.stringify(drain));
  }

  removeDrain(poolId: string): Promise<void> {
    return this.save('drains', poolId, '');
  }

  async saveEngineSeen(): Promise<void> {
    await this.store.call('SET', `${this.store.prefix}:engineSeen`, 'yes');
  }

  private async open(): Promise<KeptPools & { hadEngine: boolean }> {
    await this.store.open();
    const pools = await this.load();
    const hadEngine = (await this.store.call('GET', `${this.store.prefix}:engineSeen`)) !== null;
    this.stopListening = this.store.listen('pools', () => void this.look());
    this.ticker = setInterval(() => void this.look(), LOOK_MS);
    this.ticker.unref();
    return { ...pools, hadEngine };
  }

  /** Never rejects: while the store is away pools stay as they are. */
  private look(): Promise<void> {
    this.looking ??= this.seeChanges()
      .catch(() => undefined)
      .finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async seeChanges(): Promise<void> {
    const version = Number((await this.store.call('GET', `${this.store.prefix}:pv`)) ?? 0);
    if (version === this.version) return;
    this.changes.next(await this.load());
  }

  private async load(): Promise<KeptPools> {
    const [version, bindings, drains] = (await this.store.run(poolsScript)) as [number, string[], string[]];
    this.version = version;
    return {
      bindings: [...(fieldsOf(bindings)?.values() ?? [])].map(text => this.decoded(text)),
      drains: [...(fieldsOf(drains)?.values() ?? [])].map(text => JSON.parse(text) as KeptDrain),
    };
  }

  private decoded(text: string): KeptBinding {
    const { by, ...binding } = JSON.parse(text) as KeptBinding & { by: string };
    return by === this.node.nodeId ? binding : { ...binding, isElsewhere: true };
  }

  private async save(kind: 'bindings' | 'drains', name: string, text: string): Promise<void> {
    await this.store.runDurably(savePoolsScript, kind, name, text);
  }
}
