import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { hostname } from 'node:os';
import { randomBytes } from 'node:crypto';
import { Subject } from 'rxjs';
import { Config } from '../../config/config';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import type { QueueDepth } from '../../pools/placement/queue-depths.port';
import { MemoryPoolRegistry } from '../memory/pool-registry.memory';
import { Store, type Reply } from './connection/store';
import type { StoreTask } from './held-task';
import { HeldTasks } from './held-tasks';
import { tickScript } from './scripts/node-scripts';
import { StoreReach } from './store-reach';
import { fieldsOf, type TaskFields } from './task-fields';
import { numbersOf } from './store-lanes';

/** Of a lease: a node takes it for gone this much before it is, so that it has hung up when somebody else begins. */
const MARGIN = 0.15;
/** Renewed when this much of a lease is over: of what is left a process, or the store, may stand still for the most. */
const RENEWAL = 0.17;
/** The truth of everything that hints tell of: nothing waits longer than this for one that was lost. */
const BEAT_MS = 250;
const JITTER_MS = 60;

export interface AdoptedFields {
  readonly taskId: string;
  readonly token: string;
  readonly fields: TaskFields;
}

/** What a beat has brought. */
export interface Beat {
  readonly asks: readonly { readonly taskId: string; readonly ending: string }[];
  readonly adopted: readonly AdoptedFields[];
  readonly overdue: readonly string[];
  readonly lanesVersion: number;
  /** Something was queued by it. */
  readonly isQueued: boolean;
}

/** The pulse of a node: renews its leases, lets go of what it could not renew, and hears what has come for it. */
@Injectable()
export class NodeBeat implements OnModuleDestroy {
  /** Of this process: another one of the same machine is another node. */
  readonly nodeId = `${hostname()
    .replace(/[^A-Za-z0-9.-]/g, '-')
    .slice(0, 60)}-${randomBytes(4).toString('hex')}`;
  private readonly beats = new Subject<Beat>();
  readonly beat$ = this.beats.asObservable();
  /** As the last answer of any script had it. */
  depth: QueueDepth = { interactive: 0, batch: 0 };
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private again = false;
  private isStopped = false;
  private renewedAtMs = -Infinity;
  private stopListening: (() => void) | undefined;

  constructor(
    private readonly config: Config,
    private readonly store: Store,
    private readonly held: HeldTasks,
    private readonly registry: MemoryPoolRegistry,
    private readonly clock: Clock,
    private readonly runningTime: RunningTime,
    private readonly reach: StoreReach,
  ) {}

  onModuleDestroy(): void {
    this.stop();
  }

  /** Begins; resolves after the first beat. */
  async begin(): Promise<void> {
    this.stopListening = this.store.listen(`node:${this.nodeId}`, () => void this.beat());
    await this.beatOnce();
    this.plan();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.stopListening?.();
  }

  /** When a lease that is given or renewed now is over, as this node takes it. */
  leaseUntilMs(): number {
    return this.clock.nowMs() + (1 - MARGIN) * this.config.storeLeaseMs;
  }

  /** Beats now; one that is under way is followed by another. Never rejects. */
  beat(): Promise<void> {
    if (this.beating) {
      this.again = true;
      return this.beating;
    }
    return (this.beating = this.beatAll());
  }

  private async beatAll(): Promise<void> {
    try {
      do {
        this.again = false;
        try {
          await this.beatOnce();
        } catch {
          // The connection tells of itself; what cannot be renewed is let go of below.
        }
        this.dropLapsed();
      } while (this.again && !this.isStopped);
    } finally {
      // Not a step later: who asks then is beaten for anew.
      this.beating = undefined;
    }
  }

  private plan(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.beat().then(() => this.plan()), BEAT_MS - Math.random() * JITTER_MS);
    this.timer.unref();
  }

  private async beatOnce(): Promise<void> {
    this.dropRefused();
    const askedAtMs = this.clock.nowMs();
    const renews = askedAtMs - this.renewedAtMs >= RENEWAL * this.config.storeLeaseMs;
    const renewed = renews ? [...this.held.all()].filter(task => !task.isReturning) : [];
    const untilMs = this.leaseUntilMs();
    const replicas = this.registry
      .view()
      .flatMap(pool => pool.replicas.map(({ poolId, replicaId }) => ({ poolId, replicaId })));
    const reply = (await this.store.run(
      tickScript,
      this.nodeId,
      JSON.stringify(renewed.map(({ taskId, token }) => [taskId, token])),
      JSON.stringify(replicas.map(({ poolId, replicaId }) => `${poolId}/${replicaId}`)),
    )) as readonly [
      string[],
      string[],
      [string, string, string[]][],
      string[],
      number[],
      number,
      number[],
      string,
      number,
    ];
    const [lost, asks, adopted, overdue, depth, lanesVersion, slots, time, isQueued] = reply;
    this.reach.beaten();
    if (renews) this.renewedAtMs = askedAtMs;
    this.dropRefused();
    const gone = new Set(lost.map(String));
    for (const task of renewed) {
      if (gone.has(task.taskId) && !task.isReturning) this.held.lose(task);
      else task.leaseUntilMs = untilMs;
    }
    this.runningTime.resumeAfter(Number(time));
    for (const [index, { poolId, replicaId }] of replicas.entries())
      this.registry.slotsTaken(poolId, replicaId, Number(slots[index] ?? 0));
    this.see(depth);
    this.beats.next({
      asks: pairsOf(asks).map(([taskId, ending]) => ({ taskId, ending })),
      adopted: adopted.flatMap(([taskId, token, flat]) => {
        const fields = fieldsOf(flat);
        return fields ? [{ taskId, token, fields }] : [];
      }),
      overdue: overdue.map(String),
      lanesVersion: Number(lanesVersion),
      isQueued: Number(isQueued) === 1,
    });
  }

  /** @param depth {interactive, batch} */
  see(depth: Reply): void {
    const [interactive = 0, batch = 0] = numbersOf(depth);
    this.depth = { interactive, batch };
  }

  private dropLapsed(): void {
    for (const task of this.lapsed()) this.held.lose(task);
  }

  /**
   * Attempts whose lease was over for a moment, though the store may renew it yet, as after a process stood still. What came of an attempt in that
   * moment was refused, its end too: renewed, it would go on without that, or for ever. An ending that is won is refused nothing here.
   */
  private dropRefused(): void {
    for (const task of this.lapsed()) if (!task.isEnding) this.held.lose(task);
  }

  private lapsed(): StoreTask[] {
    const nowMs = this.clock.nowMs();
    return [...this.held.all()].filter(task => nowMs >= task.leaseUntilMs);
  }
}

function pairsOf(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at < flat.length; at += 2) pairs.push([String(flat[at]), String(flat[at + 1])]);
  return pairs;
}
