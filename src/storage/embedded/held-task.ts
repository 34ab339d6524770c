import type { ServiceError } from '../../errors/service-error';
import type { Lease } from '../../pools/registry/pool';
import type { Spend } from '../../sessions/session-store.port';
import type { Claim, LiveTask, Shown } from '../../tasks/ledger/task-ledger.port';
import type { AdmissionFacts, Placement, Priority, TaskSpec } from '../../tasks/task/task';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import type { Alarm } from '../../time/alarms';

/** Of all tasks that no replica has failed. */
const none: ReadonlyMap<string, number> = new Map();

/** What the ledger holds of a task between its admission and its end. */
export class HeldTask implements LiveTask {
  /** The lane in which it waits; undefined while it runs, or waits to be tried again. */
  laneId: string | undefined;
  /** Its attempt that runs. */
  claim: EmbeddedClaim | undefined;
  attempts = 0;
  /** How often engines had no room for it. */
  refusals = 0;
  lastFailure: ServiceError | undefined;
  /** Of its attempt; after a restart of the one before it. */
  placement: Placement | undefined;
  readonly shown: Shown = { tokens: 0, startedAtMs: undefined, terminalSeq: undefined };
  /** Output may have been seen: that much is durable. */
  isMarked = false;
  /** Its admission could not be made durable: it never was. */
  isVoid = false;
  deadline: Alarm | undefined;
  /** Its return to the queue, or the end of an avoidance. */
  retry: Alarm | undefined;
  private avoidances: Map<string, number> | undefined;
  /** Settles with the journal's answer to its admission. */
  durable: Promise<unknown> = Promise.resolve();
  readonly priority: Priority;
  readonly orderKey: number;
  readonly seq: number;
  /** Of its request, for the bound on what all queued tasks together hold. */
  readonly bytes: number;
  readonly askedTokens: number;
  private ending: { readonly over: Promise<void>; readonly settle: () => void } | undefined;

  constructor(
    readonly spec: TaskSpec,
    readonly facts: AdmissionFacts,
    readonly remaining: Spend,
    /** Engine time that its session has set aside for it. */
    readonly timeLimitMs: number,
    /** By the monotonic clock. */
    readonly deadlineAtMs: number,
  ) {
    this.priority = spec.priority;
    this.orderKey = facts.orderKey;
    this.seq = facts.seq;
    this.bytes = Buffer.byteLength(spec.prompt);
    this.askedTokens = spec.maxTokens;
  }

  get taskId(): string {
    return this.spec.taskId;
  }

  get constraints(): PlacementConstraints {
    return this.spec.constraints;
  }

  get isEnding(): boolean {
    return this.ending !== undefined;
  }

  /** Resolves when the ending that has begun is through, or taken back; undefined while nobody ends it. */
  get endingOver(): Promise<void> | undefined {
    return this.ending?.over;
  }

  /** Replicas (`pool/replica`) that failed it, and until when others go first, by the monotonic clock. */
  get avoided(): ReadonlyMap<string, number> {
    return this.avoidances ?? none;
  }

  avoid(replica: string, untilMs: number): void {
    this.avoidances ??= new Map();
    this.avoidances.set(replica, untilMs);
  }

  beginEnding(): void {
    let settle = (): void => undefined;
    const over = new Promise<void>(resolve => (settle = resolve));
    this.ending = { over, settle };
  }

  /** @param isTakenBack nobody ends it any more */
  settleEnding(isTakenBack: boolean): void {
    const { ending } = this;
    if (isTakenBack) this.ending = undefined;
    ending?.settle();
  }

  get state(): LiveTask['state'] {
    if (this.isMarked) return 'streaming';
    return this.claim ? 'dispatching' : 'queued';
  }
}

/** What is kept and told of where an attempt runs. */
export function placementOf({ engine, engineVersion, poolId, replicaId, model }: Lease): Placement {
  return { engine, engineVersion, poolId, replicaId, ...(model !== undefined && { model }) };
}

/** One attempt's right to its task and slot. Only the ledger ends it. */
export class EmbeddedClaim implements Claim {
  readonly placement: Placement;
  onLost: (() => void) | undefined;
  private held = true;

  constructor(
    readonly task: HeldTask,
    readonly lease: Lease,
    readonly attempt: number,
    readonly isWarm: boolean,
    readonly claimedAtMs: number,
  ) {
    this.placement = placementOf(lease);
  }

  get spec(): TaskSpec {
    return this.task.spec;
  }

  get facts(): AdmissionFacts {
    return this.task.facts;
  }

  get remaining(): Spend {
    return this.task.remaining;
  }

  get deadlineAtMs(): number {
    return this.task.deadlineAtMs;
  }

  get timeLimitMs(): number {
    return this.task.timeLimitMs;
  }

  get shown(): Shown {
    return this.task.shown;
  }

  get refusals(): number {
    return this.task.refusals;
  }

  get isHeld(): boolean {
    return this.held;
  }

  /**
   * The slot is free once this returns, and no write of this claim is taken any more.
   * @param tell the holder did not do it, and learns of it
   */
  close(tell: boolean): void {
    if (!this.held) return;
    this.held = false;
    const { onLost } = this;
    this.onLost = undefined;
    if (tell) onLost?.();
    this.lease.release();
  }
}
