import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { concatMap, filter, merge, of, Subject, type Subscription } from 'rxjs';
import {
  PoolStore,
  type ChangedPools,
  type KeptBinding,
  type KeptDrain,
  type KeptName,
  type KeptPools,
  type KeptPurge,
  type PoolWork,
} from '../../pools/registry/pool-store.port';
import { isBefore } from '../../time/time-limit';
import { Store } from './connection/store';
import { KnownNames } from './known-names';
import { NodeBeat } from './node-beat';
import {
  beginWorkScript,
  endWorkScript,
  heardByAllScript,
  hearWorksScript,
  lookAtPoolsScript,
  poolsScript,
  savePoolsScript,
} from './scripts/pool-scripts';
import { fieldsOf, type TaskFields } from './task-fields';

/** The truth of what hints tell of. */
const LOOK_MS = 1000;
/** Looks after which it is seen whether nodes are gone that have bound replicas for a time. */
const LOOKS = 5;

/** Bindings, drains, reloads and purges of all nodes: hashes, with a version that each change raises. What a node does lapses with it. */
@Injectable()
export class RedisPoolStore extends PoolStore implements OnModuleDestroy {
  private readonly changes = new Subject<ChangedPools>();
  /** After each look. */
  private readonly looked = new Subject<void>();
  private readonly known = { bindings: new KnownNames(), drains: new KnownNames() };
  /** What this node has under way, as it is kept, by id: it lapses unless that is said at each look. */
  private readonly works = new Map<string, string>();
  /** Pools by the ids of what this node has begun there and not ended in the store: what that has of their purges is older. */
  private readonly unended = new Map<string, string>();
  override readonly changed$ = this.changes.asObservable();
  private start: Promise<KeptPools & { hadEngine: boolean }> | undefined;
  private version = -1;
  /** Of what was written here the store is to be asked, whatever the version. */
  private isDue = false;
  private looks = 0;
  private looking: Promise<void> | undefined;
  private ticker: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;
  private ups: Subscription | undefined;

  constructor(
    private readonly store: Store,
    private readonly node: NodeBeat,
  ) {
    super();
  }

  onModuleDestroy(): void {
    clearInterval(this.ticker);
    this.stopListening?.();
    this.ups?.unsubscribe();
  }

  recovered(): Promise<KeptPools & { readonly hadEngine: boolean }> {
    return (this.start ??= this.open());
  }

  tellAgain(passedOver?: KeptName): void {
    if (passedOver) this.known[passedOver.of].assume(passedOver.name);
    this.isDue = true;
    this.lookAnew();
  }

  saveBinding(binding: KeptBinding): Promise<void> {
    return this.save('bindings', nameOf(binding), this.textOf(binding));
  }

  async renewBinding(binding: KeptBinding): Promise<void> {
    const kept = await this.store.call('HGET', `${this.store.prefix}:bindings`, nameOf(binding));
    if (kept !== this.textOf(binding)) await this.saveBinding(binding);
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
    const text = this.textOf(work);
    const other = await this.store.run(beginWorkScript, work.poolId, text);
    if (other !== null) return (JSON.parse(String(other)) as PoolWork).operation;
    this.works.set(work.id, text);
    this.unended.set(work.id, work.poolId);
    // Nobody is given a slot there any more; who has one was counted a while ago.
    if (work.closes) await this.node.beat();
    return undefined;
  }

  heardByAll({ id }: PoolWork, signal: AbortSignal): Promise<boolean> {
    // Whoever hears of it gives a hint.
    const heard$ = merge(of(undefined), this.looked).pipe(
      concatMap(() => this.store.run(heardByAllScript, this.node.nodeId, id).catch(() => 0)),
      filter(isHeard => isHeard === 1),
    );
    return isBefore(signal, heard$);
  }

  async endWork({ id, poolId }: PoolWork, purge?: KeptPurge): Promise<void> {
    this.works.delete(id);
    await this.store.run(endWorkScript, poolId, id, purge?.report ?? '');
    this.unended.delete(id);
  }

  async saveEngineSeen(): Promise<void> {
    await this.store.call('SET', `${this.store.prefix}:engineSeen`, 'yes');
  }

  private async open(): Promise<KeptPools & { hadEngine: boolean }> {
    await this.store.open();
    const { bindings, drains } = await this.load();
    const hadEngine = (await this.store.call('GET', `${this.store.prefix}:engineSeen`)) !== null;
    this.stopListening = this.store.listen('pools', () => this.lookAnew());
    this.ticker = setInterval(() => void this.look(), LOOK_MS);
    this.ticker.unref();
    // Another server may have the version of this one, and not what it has.
    this.ups = this.store.up$.subscribe(() => this.tellAgain());
    return { bindings, drains, hadEngine };
  }

  /** Also where one is under way: it may have begun before what there is to see. */
  private lookAnew(): void {
    void (this.looking ?? Promise.resolve()).then(() => this.look());
  }

  /** Never rejects: while the store is away pools stay as they are. */
  private look(): Promise<void> {
    this.looking ??= this.seeChanges()
      .catch(() => undefined)
      .finally(() => {
        this.looking = undefined;
        this.looked.next();
      });
    return this.looking;
  }

  private async seeChanges(): Promise<void> {
    const node = this.looks++ % LOOKS === 0 ? this.node.nodeId : '';
    const version = Number(await this.store.run(lookAtPoolsScript, JSON.stringify([...this.works.values()]), node));
    // What nobody hears would be told to nobody, and then not again.
    if (!this.changes.observed || (version === this.version && !this.isDue)) return;
    // Anew, should it fail, or something be written meanwhile.
    this.version = -1;
    this.isDue = false;
    const changed = await this.load();
    this.changes.next(changed);
    await this.sayHeard(changed.works);
  }

  /** Whoever is to end what others run waits for this. Should it fail, it is told and said again. */
  private async sayHeard(works: readonly PoolWork[]): Promise<void> {
    const ids = works.flatMap(({ id, endsAfterMs }) => (endsAfterMs === undefined ? [] : [id]));
    if (ids.length === 0) return;
    try {
      await this.store.run(hearWorksScript, this.node.nodeId, ...ids);
    } catch (thrown) {
      this.isDue = true;
      throw thrown;
    }
  }

  private async load(): Promise<ChangedPools> {
    for (const names of Object.values(this.known)) names.look();
    const reply = (await this.store.run(poolsScript)) as [number, string[], string[], string[], string[]];
    const [version, ...hashes] = reply;
    const [bindingTexts, drainTexts, works, purges] = hashes.map(
      flat => fieldsOf(flat) ?? new Map<string, string>(),
    ) as [TaskFields, TaskFields, TaskFields, TaskFields];
    this.version = version;
    const bindings = this.known.bindings.seen(bindingTexts);
    const drains = this.known.drains.seen(drainTexts);
    const unended = new Set(this.unended.values());
    return {
      bindings: [...bindings.kept.values()].map(text => this.bindingIn(text)),
      bindingsGone: bindings.gone,
      drains: [...drains.kept.values()].map(text => JSON.parse(text) as KeptDrain),
      drainsGone: drains.gone,
      works: this.worksOfOthers(works.values()),
      purges: [...purges].flatMap(([poolId, report]) => (unended.has(poolId) ? [] : [{ poolId, report }])),
    };
  }

  private textOf(kept: KeptBinding | PoolWork): string {
    return JSON.stringify({ ...kept, by: this.node.nodeId });
  }

  /** By who began it: what this node has ended may be there yet, in a look that began before or where its end could not be told. */
  private worksOfOthers(texts: Iterable<string>): readonly PoolWork[] {
    return [...texts].flatMap(text => {
      const { by, ...work } = JSON.parse(text) as PoolWork & { by?: string };
      return by === this.node.nodeId ? [] : [work];
    });
  }

  private bindingIn(text: string): KeptBinding {
    const { by, ...binding } = JSON.parse(text) as KeptBinding & { by: string };
    return by === this.node.nodeId ? binding : { ...binding, isElsewhere: true };
  }

  private async save(kind: 'bindings' | 'drains', name: string, text: string, by = ''): Promise<void> {
    try {
      await this.known[kind].write(
        name,
        text !== '',
        async () => (await this.store.runDurably(savePoolsScript, kind, name, text, by)) === 1,
      );
    } finally {
      // One that is under way has not judged what was written here.
      this.tellAgain();
    }
  }
}

function nameOf({ poolId, replicaId }: KeptBinding): string {
  return `${poolId}/${replicaId}`;
}
