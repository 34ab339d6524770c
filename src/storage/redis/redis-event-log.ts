import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Observable, Subscription, type Subscriber } from 'rxjs';
import { Config } from '../../config/config';
import { EventLog, type LogChunk, type LogTail } from '../../tasks/events/event-log.port';
import type { TaskEvent } from '../../tasks/task/task';
import type { MaybeLater } from '../../time/maybe-later';
import { MemoryEventLog } from '../memory/event-log.memory';
import { Store } from './connection/store';
import { EventWriter } from './event-writer';
import { HeldTasks } from './held-tasks';
import { RemoteLog } from './remote-log';

/** The truth of what hints tell of. */
const LOOK_MS = 250;
/** Logs of other nodes that nobody follows are kept so many, for those who come back. */
const UNFOLLOWED_MAX = 256;

/** The followers of one task here, whoever writes it. */
interface Watch {
  readonly followers: Set<Subscriber<void>>;
  /** Of the log in this node, or of hints of another. */
  source: Subscription;
}

/**
 * Logs of tasks that this node writes are in its memory, and copied to a stream of the store within milliseconds; those of others are read from
 * there. Readers notice no difference, also where a task changes hands while it waits.
 */
@Injectable()
export class RedisEventLog extends EventLog implements OnModuleInit, OnModuleDestroy {
  private readonly local: MemoryEventLog;
  private readonly remotes = new Map<string, RemoteLog>();
  private readonly watches = new Map<string, Watch>();
  private readonly subscriptions = new Subscription();
  private ticker: NodeJS.Timeout | undefined;

  constructor(
    config: Config,
    private readonly store: Store,
    private readonly held: HeldTasks,
    private readonly writer: EventWriter,
  ) {
    super();
    this.local = new MemoryEventLog(config, {
      copyEvents: (taskId, firstSeq, events) => writer.add(taskId, firstSeq, events),
      readEvents: taskId => this.stored(taskId),
    });
  }

  onModuleInit(): void {
    this.subscriptions.add(this.held.gained$.subscribe(({ taskId }) => this.open(taskId)));
    this.subscriptions.add(this.held.returned$.subscribe(taskId => this.handOver(taskId)));
    this.subscriptions.add(this.held.lost$.subscribe(taskId => this.lose(taskId)));
    this.ticker = setInterval(() => this.look(), LOOK_MS);
    this.ticker.unref();
  }

  onModuleDestroy(): void {
    this.subscriptions.unsubscribe();
    clearInterval(this.ticker);
    for (const taskId of [...this.watches.keys()]) this.end(taskId);
  }

  /** Here only where this node writes it. */
  open(taskId: string, events?: readonly TaskEvent[]): void {
    if (!this.held.get(taskId) || (!events && this.local.tail(taskId))) return;
    this.watches.get(taskId)?.source.unsubscribe();
    this.local.open(taskId, events);
    this.remotes.delete(taskId);
    this.attach(taskId);
  }

  append(taskId: string, events: readonly TaskEvent[]): number {
    return this.local.append(taskId, events);
  }

  read(taskId: string, afterSeq: number, maxBytes: number, verbose: boolean): MaybeLater<LogChunk | undefined> {
    if (this.local.tail(taskId)) return this.local.read(taskId, afterSeq, maxBytes, verbose);
    const log = this.remote(taskId);
    return (
      log.chunk(afterSeq, maxBytes, verbose) ?? this.pulled(log).then(() => log.chunk(afterSeq, maxBytes, verbose))
    );
  }

  follow(taskId: string): Observable<void> {
    return new Observable(follower => {
      let watch = this.watches.get(taskId);
      if (!watch) {
        watch = { followers: new Set(), source: Subscription.EMPTY };
        this.watches.set(taskId, watch);
        this.attach(taskId);
      }
      watch.followers.add(follower);
      return () => this.leave(taskId, follower);
    });
  }

  tail(taskId: string): MaybeLater<LogTail | undefined> {
    const tail = this.local.tail(taskId);
    if (tail && this.held.get(taskId)?.isTakenOver === true) return { ...tail, mayLag: true };
    return tail ?? this.remoteTail(taskId);
  }

  async events(taskId: string): Promise<readonly TaskEvent[]> {
    return this.local.tail(taskId) ? this.local.events(taskId) : this.stored(taskId);
  }

  seal(taskId: string): void {
    this.local.seal(taskId);
  }

  kept(taskId: string): Promise<readonly TaskEvent[]> {
    return this.stored(taskId);
  }

  drop(taskId: string): void {
    this.local.drop(taskId);
    this.remotes.delete(taskId);
    this.end(taskId);
    // Should the store be away, it lapses.
    this.store.call('DEL', `${this.store.prefix}:e:${taskId}`).catch(() => undefined);
  }

  private async remoteTail(taskId: string): Promise<LogTail | undefined> {
    const log = this.remote(taskId);
    await this.pulled(log);
    if (log.isGone) this.remotes.delete(taskId);
    return log.isGone ? undefined : { lastSeq: log.lastSeq, terminal: log.isTerminal, mayLag: true };
  }

  private async pulled(log: RemoteLog): Promise<void> {
    await log.pull();
  }

  /** As it stands in the store. */
  private async stored(taskId: string): Promise<readonly TaskEvent[]> {
    const log = new RemoteLog(taskId, this.store);
    await log.pull();
    return log.events();
  }

  private remote(taskId: string): RemoteLog {
    const known = this.remotes.get(taskId);
    if (known) return known;
    const log = new RemoteLog(taskId, this.store, () => this.wake(taskId));
    this.remotes.set(taskId, log);
    if (this.remotes.size > UNFOLLOWED_MAX) this.makeRoom();
    return log;
  }

  private makeRoom(): void {
    let over = this.remotes.size - this.watches.size - UNFOLLOWED_MAX;
    for (const taskId of this.remotes.keys()) {
      if (over <= 0) return;
      if (this.watches.has(taskId)) continue;
      this.remotes.delete(taskId);
      over--;
    }
  }

  private attach(taskId: string): void {
    const watch = this.watches.get(taskId);
    if (!watch) return;
    const wake = (): void => {
      for (const follower of watch.followers) follower.next();
    };
    if (this.local.tail(taskId)) {
      watch.source = this.local.follow(taskId).subscribe({ next: wake, complete: () => this.end(taskId) });
      wake();
      return;
    }
    const stop = this.store.listen(`ev:${taskId}`, () => this.lookAt(taskId));
    watch.source = new Subscription(stop);
    this.lookAt(taskId);
  }

  private wake(taskId: string): void {
    for (const follower of this.watches.get(taskId)?.followers ?? []) follower.next();
  }

  private leave(taskId: string, follower: Subscriber<void>): void {
    const watch = this.watches.get(taskId);
    watch?.followers.delete(follower);
    if (!watch || watch.followers.size > 0) return;
    watch.source.unsubscribe();
    this.watches.delete(taskId);
  }

  /** Who follows reads on elsewhere, or not at all. */
  private end(taskId: string): void {
    const watch = this.watches.get(taskId);
    if (!watch) return;
    this.watches.delete(taskId);
    watch.source.unsubscribe();
    for (const follower of [...watch.followers]) follower.complete();
  }

  private handOver(taskId: string): void {
    this.watches.get(taskId)?.source.unsubscribe();
    this.writer.forget(taskId);
    this.local.drop(taskId);
    this.attach(taskId);
  }

  /** What readers were shown here may be more than anybody else knows: they come back with the number that they have. */
  private lose(taskId: string): void {
    const hasShown = (this.local.tail(taskId)?.lastSeq ?? 0) > 0;
    this.handOver(taskId);
    if (hasShown) this.end(taskId);
  }

  private look(): void {
    for (const taskId of this.watches.keys()) this.lookAt(taskId);
  }

  private lookAt(taskId: string): void {
    if (this.local.tail(taskId)) return;
    const log = this.remote(taskId);
    log.pull().then(
      () => {
        if (!log.isGone) return;
        this.remotes.delete(taskId);
        this.end(taskId);
      },
      () => undefined, // The store is away; the next look finds out.
    );
  }
}
