import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Subject } from 'rxjs';
import {
  PoolStore,
  type KeptBinding,
  type KeptDrain,
  type KeptPools,
  type KeptPurge,
  type PoolWork,
  type WorkOfOthers,
} from '../../pools/registry/pool-store.port';
import { Store } from './connection/store';
import { NodeBeat } from './node-beat';
import {
  beginWorkScript,
  endWorkScript,
  lookAtPoolsScript,
  poolsScript,
  savePoolsScript,
} from './scripts/pool-scripts';
import { fieldsOf } from './task-fields';

/** The truth of what hints tell of. */
const LOOK_MS = 1000;
/** Looks after which it is seen whether nodes are gone that have bound replicas for a time. */
const LOOKS = 5;

/** Bindings, drains, reloads and purges of all nodes: hashes, with a version that each change raises. What a node does lapses with it. */
@Injectable()
export class RedisPoolStore extends PoolStore implements OnModuleDestroy {
  private readonly changes = new Subject<KeptPools & WorkOfOthers>();
  /** Ids of what this node has under way. */
  private readonly works = new Set<string>();
  override readonly changed$ = this.changes.asObservable();
  private start: Promise<KeptPools & { hadEngine: boolean }> | undefined;
  private version = -1;
  private looks = 0;
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

  removeBinding(poolId: string, replicaId: string, isOwn = false): Promise<void> {
    return this.save('bindings', `${poolId}/${replicaId}`, '', isOwn ? this.node.nodeId : '');
  }

  saveDrain(drain: KeptDrain): Promise<void> {
    return this.save('drains', drain.poolId, JSON.stringify(drain));
  }

  removeDrain(poolId: string): Promise<void> {
    return this.save('drains', poolId, '');
  }

  async beginWork(work: PoolWork): Promise<PoolWork['operation'] | undefined> {
    this.works.add(work.id);
    try {
      const other = await this.store.run(beginWorkScript, work.poolId, JSON.stringify(work));
      if (other === null) return undefined;
      this.works.delete(work.id);
      return (JSON.parse(String(other)) as PoolWork).operation;
    } catch (thrown) {
      this.works.delete(work.id);
      throw thrown;
    }
  }

  async endWork({ id, poolId }: PoolWork, purge?: KeptPurge): Promise<void> {
    this.works.delete(id);
    await this.store.run(endWorkScript, poolId, id, purge?.report ?? '');
  }

  async saveEngineSeen(): Promise<void> {
    await this.store.call('SET', `${this.store.prefix}:engineSeen`, 'yes');
  }

  private async open(): Promise<KeptPools & { hadEngine: boolean }> {
    await this.store.open();
    const { works, ...pools } = await this.load();
    // Those are heard of once somebody listens.
    if (works.length > 0) this.version = -1;
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
    const node = this.looks++ % LOOKS === 0 ? this.node.nodeId : '';
    const version = Number(await this.store.run(lookAtPoolsScript, JSON.stringify([...this.works]), node));
    if (version === this.version) return;
    this.changes.next(await this.load());
  }

  private async load(): Promise<KeptPools & WorkOfOthers> {
    const reply = (await this.store.run(poolsScript)) as [number, string[], string[], string[], string[]];
    const [version, bindings, drains, works, purges] = reply;
    this.version = version;
    return {
      bindings: [...(fieldsOf(bindings)?.values() ?? [])].map(text => this.decoded(text)),
      drains: [...(fieldsOf(drains)?.values() ?? [])].map(text => JSON.parse(text) as KeptDrain),
      works: [...(fieldsOf(works)?.values() ?? [])]
        .map(text => JSON.parse(text) as PoolWork)
        .filter(({ id }) => !this.works.has(id)),
      purges: [...(fieldsOf(purges) ?? [])].map(([poolId, report]) => ({ poolId, report })),
    };
  }

  private decoded(text: string): KeptBinding {
    const { by, ...binding } = JSON.parse(text) as KeptBinding & { by: string };
    return by === this.node.nodeId ? binding : { ...binding, isElsewhere: true };
  }

  private async save(kind: 'bindings' | 'drains', name: string, text: string, by = ''): Promise<void> {
    await this.store.runDurably(savePoolsScript, kind, name, text, by);
  }
}
