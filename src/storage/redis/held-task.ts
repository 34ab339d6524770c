import type { Lease } from '../../pools/registry/pool';
import type { ServiceError } from '../../errors/service-error';
import type { Spend } from '../../sessions/session-store.port';
import type { Claim, LiveTask, Shown } from '../../tasks/ledger/task-ledger.port';
import { placementOf } from '../embedded/held-task';
import type { StoredEnding } from './task-fields';
import type { AdmissionFacts, Placement, TaskSpec } from '../../tasks/task/task';

/** What of a task an attempt, or who ends it, has at hand. */
export interface TaskAtHand {
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  readonly attempts: number;
  readonly refusals: number;
  readonly remaining: Spend;
  readonly timeLimitMs: number;
  /** By the monotonic clock of this node. */
  readonly deadlineAtMs: number;
  readonly lastFailure: ServiceError | undefined;
  readonly placement: Placement | undefined;
  readonly avoided: readonly string[];
}

/** A task that this node has the right to, by a token: it runs it, ends it, or has taken it over from a node that is no more. */
export class StoreTask implements LiveTask {
  readonly shown: Shown = { tokens: 0, startedAtMs: undefined, terminalSeq: undefined };
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  claim: StoreClaim | undefined;
  isMarked = false;
  isEnding = false;
  /** It is being given back: its token may be worth nothing already. */
  isReturning = false;
  /** Its node is no more: that one may have shown more than it has passed on. */
  isTakenOver = false;
  /** Of one that was taken over: how it was to end, by who had it before. Nobody was told so. */
  won: StoredEnding | undefined;
  placement: Placement | undefined;
  private readonly overs: (() => void)[] = [];

  constructor(
    readonly hand: TaskAtHand,
    /** Each later write presents it. */
    public token: string,
    /** By the monotonic clock: from then on others may have it. */
    public leaseUntilMs: number,
  ) {
    this.spec = hand.spec;
    this.facts = hand.facts;
    this.placement = hand.placement;
  }

  get taskId(): string {
    return this.spec.taskId;
  }

  get attempts(): number {
    return this.hand.attempts;
  }

  get lastFailure(): ServiceError | undefined {
    return this.hand.lastFailure;
  }

  get state(): LiveTask['state'] {
    if (this.isMarked) return 'streaming';
    return this.claim ? 'dispatching' : 'queued';
  }

  /** Resolves when the ending that this node has won is through. */
  over(): Promise<void> {
    return new Promise(resolve => this.overs.push(resolve));
  }

  settleOver(): void {
    for (const resolve of this.overs.splice(0)) resolve();
  }
}

/** One attempt's right to its task and slot, for as long as its lease is renewed. */
export class StoreClaim implements Claim {
  readonly placement: Placement;
  onLost: (() => void) | undefined;
  private held = true;

  constructor(
    readonly task: StoreTask,
    readonly lease: Lease,
    readonly isWarm: boolean,
    readonly claimedAtMs: number,
    private readonly nowMs: () => number,
  ) {
    this.placement = placementOf(lease);
    task.placement = this.placement;
  }

  get spec(): TaskSpec {
    return this.task.spec;
  }

  get facts(): AdmissionFacts {
    return this.task.facts;
  }

  get attempt(): number {
    return this.task.hand.attempts;
  }

  get refusals(): number {
    return this.task.hand.refusals;
  }

  get remaining(): Spend {
    return this.task.hand.remaining;
  }

  get deadlineAtMs(): number {
    return this.task.hand.deadlineAtMs;
  }

  get timeLimitMs(): number {
    return this.task.hand.timeLimitMs;
  }

  get shown(): Shown {
    return this.task.shown;
  }

  /** A process that was stopped for long finds out by its own clock, before it hears anything. */
  get isHeld(): boolean {
    return this.held && this.nowMs() < this.task.leaseUntilMs;
  }

  /** Nothing more is written for it, and the slot is let go of here. */
  close(tell: boolean): void {
    if (!this.held) return;
    this.held = false;
    const { onLost } = this;
    this.onLost = undefined;
    if (tell) onLost?.();
    this.lease.release();
  }
}
