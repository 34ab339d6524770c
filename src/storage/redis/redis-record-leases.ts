import { randomUUID } from 'node:crypto';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Subject } from 'rxjs';
import { Config } from '../../config/config';
import { Lifecycle } from '../../lifecycle/lifecycle';
import type { RecordKind } from '../../records/api-records.port';
import type { RecordLease } from '../../records/record-lease';
import { RecordLeases } from '../../records/record-leases.port';
import { Clock } from '../../time/clock';
import { Store } from './connection/store';
import { NodeBeat } from './node-beat';
import {
  askRecordScript,
  endRecordLeaseScript,
  leaveRecordsScript,
  renewRecordsScript,
  saidOfRecordsScript,
  takeRecordScript,
} from './scripts/lease-scripts';

/** Renewed, and looked for such as are free, so often in the time of a lease. */
const RENEWALS = 6;
/** What hints tell of nobody waits longer for. */
const LOOK_MS = 1000;
/** Records of other kinds are nobody's to work at. */
const KIND: RecordKind = 'batch';

interface Held {
  readonly lease: RecordLease;
  /** By the monotonic clock: then it is taken for gone. */
  untilMs: number;
  says: () => string;
  hasSaid: string;
}

/** Leases of open records, by the store's time; renewed all in one step, by the node that holds them. */
@Injectable()
export class RedisRecordLeases extends RecordLeases implements OnModuleInit, OnModuleDestroy {
  override readonly areShared = true;
  private readonly lost = new Subject<RecordLease>();
  override readonly lost$ = this.lost.asObservable();
  private readonly free = new Subject<readonly string[]>();
  override readonly free$ = this.free.asObservable();
  private readonly asked = new Subject<RecordLease>();
  override readonly asked$ = this.asked.asObservable();
  private readonly held = new Map<string, Held>();
  private open = 0;
  private nodes = 1;
  private renewing: Promise<void> | undefined;
  private isHinted = false;
  private isOver = false;
  private ticker: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;

  constructor(
    private readonly config: Config,
    private readonly store: Store,
    private readonly node: NodeBeat,
    private readonly lifecycle: Lifecycle,
    private readonly clock: Clock,
  ) {
    super();
  }

  onModuleInit(): void {
    this.stopListening = this.store.listen('records', () => void this.renew());
    this.ticker = setInterval(() => void this.renew(), Math.min(LOOK_MS, this.config.storeLeaseMs / RENEWALS));
    this.ticker.unref();
    void this.lifecycle.started.then(() => this.renew());
  }

  onModuleDestroy(): void {
    this.isOver = true;
    clearInterval(this.ticker);
    this.stopListening?.();
  }

  async rouse(): Promise<void> {
    await this.store.call('SPUBLISH', `${this.store.prefix}:records`, KIND).catch(() => undefined);
  }

  elsewhere(kind: RecordKind): number {
    return kind === KIND ? Math.max(0, this.open - this.held.size) : 0;
  }

  holders(kind: RecordKind): number {
    return kind === KIND ? Math.max(1, this.nodes) : 1;
  }

  async take(kind: RecordKind, id: string): Promise<RecordLease | undefined> {
    const untilMs = this.node.leaseUntilMs();
    const token = await this.store.run(takeRecordScript, kind, id, randomUUID());
    if (token === null) return undefined;
    const lease = { kind, id, token: String(token) };
    this.held.set(id, { lease, untilMs, says: () => '', hasSaid: '' });
    return lease;
  }

  async end(lease: RecordLease): Promise<void> {
    this.drop(lease);
    await this.store.run(endRecordLeaseScript, lease.kind, lease.id, lease.token).catch(() => undefined);
  }

  async leave(): Promise<void> {
    this.isOver = true;
    const leases = [...this.held.values()].map(({ lease: { id, token } }) => [id, token]);
    this.held.clear();
    await this.store.run(leaveRecordsScript, KIND, JSON.stringify(leases), this.node.nodeId).catch(() => undefined);
  }

  say({ id, token }: RecordLease, text: () => string): void {
    const held = this.held.get(id);
    if (held?.lease.token === token) held.says = text;
  }

  async said(kind: RecordKind, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (ids.length === 0) return new Map();
    const texts = (await this.store.run(saidOfRecordsScript, kind, JSON.stringify(ids))) as readonly string[];
    return new Map(ids.flatMap((id, at) => (texts[at] === '' ? [] : [[id, String(texts[at])] as const])));
  }

  async ask(kind: RecordKind, id: string): Promise<void> {
    await this.store.runDurably(askRecordScript, kind, id);
  }

  /** Never rejects. What is told while one is under way is seen by another after it. */
  renew(): Promise<void> {
    this.isHinted = true;
    this.renewing ??= this.renewAll().finally(() => (this.renewing = undefined));
    return this.renewing;
  }

  private async renewAll(): Promise<void> {
    while (this.isHinted && !this.isOver && this.lifecycle.isReady) {
      this.isHinted = false;
      try {
        if (this.store.isUp) await this.renewOnce();
      } catch {
        // The connection tells of itself; what cannot be renewed is let go of below.
      }
      const nowMs = this.clock.nowMs();
      for (const each of [...this.held.values()]) if (nowMs >= each.untilMs) this.lose(each);
    }
  }

  private async renewOnce(): Promise<void> {
    const untilMs = this.node.leaseUntilMs();
    const renewed = [...this.held.values()];
    const said = renewed.map(({ says }) => says());
    const asks = renewed.map(({ lease, hasSaid }, at) => [lease.id, lease.token, said[at] === hasSaid ? '' : said[at]]);
    const reply = await this.store.run(renewRecordsScript, KIND, JSON.stringify(asks), this.node.nodeId);
    const [lost, asked, free, open, nodes] = reply as readonly [string[], string[], string[], number, number];
    if (this.isOver) return;
    [this.open, this.nodes] = [open, nodes];
    const gone = new Set(lost);
    for (const [at, each] of renewed.entries()) {
      if (gone.has(each.lease.id)) this.lose(each);
      else [each.untilMs, each.hasSaid] = [untilMs, said[at] ?? ''];
    }
    for (const id of asked) {
      const each = this.held.get(id);
      if (each) this.asked.next(each.lease);
    }
    if (free.length > 0) this.free.next(free);
  }

  private lose({ lease }: Held): void {
    if (this.drop(lease)) this.lost.next(lease);
  }

  private drop({ id, token }: RecordLease): boolean {
    return this.held.get(id)?.lease.token === token && this.held.delete(id);
  }
}
