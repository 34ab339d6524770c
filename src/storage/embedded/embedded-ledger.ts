import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { filter, NEVER, Subject, type Subscription } from 'rxjs';
import { TurnoverMap } from '../../collections/turnover-map';
import { Config } from '../../config/config';
import type { Lease } from '../../pools/registry/pool';
import { opensPlaces } from '../../pools/registry/pool-registry.port';
import { JournalStart } from '../../tasks/journal/journal-start';
import { TaskJournal, type JournalRecord } from '../../tasks/journal/task-journal.port';
import type { LaneAhead } from '../../tasks/ledger/lane-ahead';
import {
  TaskLedger,
  type Admitted,
  type Adopted,
  type AdmitOutcome,
  type Claim,
  type EndDraft,
  type Ended,
  type Ending,
  type LiveTask,
  type Requeue,
  type Submission,
} from '../../tasks/ledger/task-ledger.port';
import type { LaneDepth, QueueDepth } from '../../pools/placement/queue-depths.port';
import { Candidates } from '../../pools/placement/candidates.port';
import type { AdmissionFacts, Priority } from '../../tasks/task/task';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { EmbeddedClaim, HeldTask } from './held-task';
import { Lanes, type Lane } from './lanes';
import { isBefore } from './ordered-set';
import { OwedEndings } from './owed-endings';
import { OrderKeys } from './order-keys';
import { QueueBounds } from './queue-bounds';
import { Slots, type FreeSlot } from './slots';
import { TaskAccounts } from './task-accounts';
import { TaskEndings } from './task-endings';

/** The ledger in this process: structures in memory, whose every change is one synchronous step, over the journal. */
@Injectable()
export class EmbeddedLedger extends TaskLedger implements OnModuleInit, OnModuleDestroy {
  private readonly tasks = new TurnoverMap<string, HeldTask>();
  private readonly lanes: Lanes;
  private readonly bounds: QueueBounds;
  private readonly orderKeys: OrderKeys;
  private readonly endings: TaskEndings;
  private readonly wakes = new Subject<void>();
  private readonly overdue = new Subject<string>();
  override readonly wake$ = this.wakes.asObservable();
  override readonly overdue$ = this.overdue.asObservable();
  /** There is no other node. */
  override readonly asked$ = NEVER;
  override readonly interrupted$ = NEVER;
  private changes: Subscription | undefined;
  private lastSeq = 0;

  constructor(
    config: Config,
    candidates: Candidates,
    private readonly slots: Slots,
    private readonly accounts: TaskAccounts,
    private readonly journal: TaskJournal,
    private readonly opening: JournalStart,
    owed: OwedEndings,
    private readonly clock: Clock,
    runningTime: RunningTime,
    private readonly alarms: Alarms,
  ) {
    super();
    this.lanes = new Lanes(candidates);
    this.bounds = new QueueBounds(config, this.lanes);
    this.orderKeys = new OrderKeys(config, runningTime);
    this.endings = new TaskEndings(this.lanes, accounts, owed, clock, runningTime, task =>
      this.tasks.delete(task.taskId),
    );
  }

  onModuleInit(): void {
    this.changes = this.slots.changes$.pipe(filter(opensPlaces)).subscribe(() => this.wake());
  }

  onModuleDestroy(): void {
    this.changes?.unsubscribe();
  }

  admit(submission: Submission): AdmitOutcome {
    const { spec, requestHash } = submission;
    const known = this.tasks.get(spec.taskId);
    if (known) return this.answerKnown(known, requestHash);
    const reserved = this.accounts.reserve(spec);
    if (!reserved.ok) {
      const { budget, spent: isSpent, session } = reserved;
      return { kind: 'over-budget', budget, isSpent, session };
    }
    const refusal = this.bounds.refusalOf(spec);
    const loser = refusal && this.bounds.loserFor(refusal);
    if (refusal && !loser) {
      this.accounts.giveBack(spec);
      return refusal;
    }
    if (loser) this.endings.take(loser);
    const task = this.hold(submission, reserved.session.remaining, reserved.reserved.timeMs);
    const durable = this.write(task, loser);
    const claim = this.claimOnlyOne();
    if (!claim) this.wake();
    return { kind: 'admitted', facts: task.facts, remaining: task.remaining, claim, durable };
  }

  makeRoom(constraints: PlacementConstraints): Ended | undefined {
    const oldest = this.bounds.surplus(constraints);
    return oldest && this.endings.win(oldest, this.bounds.droppedDraft(), true);
  }

  claim(): Claim | undefined {
    if (!this.slots.anyFree) return undefined;
    const now = this.clock.nowMs();
    let first: { lane: Lane; head: HeldTask; slot: FreeSlot } | undefined;
    for (const lane of this.lanes.all()) {
      const head = lane.head();
      if (!head || (first && !isBefore(head, first.head))) continue;
      const slot = this.slots.bestOf(lane.ready, this.accounts.lastReplicaOf(head.spec));
      if (slot) first = { lane, head, slot };
    }
    if (!first) return undefined;
    const { head, slot } = first;
    const lease = this.slots.take(slot);
    if (!lease) return undefined;
    this.accounts.placed(head.spec, lease);
    return this.start(head, lease, slot.isWarm, now);
  }

  claimFor(taskId: string, lease: Lease): Claim | undefined {
    const task = this.tasks.get(taskId);
    if (task?.laneId === undefined || task.isEnding) return undefined;
    return this.start(task, lease, false, this.clock.nowMs());
  }

  async markFirstToken(claim: Claim): Promise<boolean> {
    const task = this.taskOf(claim);
    if (!task) return false;
    await this.journal.markFirstToken(task.taskId, claim.placement);
    task.isMarked = true;
    return claim.isHeld && !task.isEnding;
  }

  requeue(claim: Claim, { failure, delayMs, elsewhereMs, avoidMs, counts }: Requeue): boolean {
    const task = this.taskOf(claim);
    if (!task || task.isMarked) return false;
    const { poolId, replicaId } = claim.lease;
    if (!counts) {
      task.attempts--;
      task.refusals++;
    }
    task.lastFailure = failure;
    task.claim = undefined;
    task.placement = undefined;
    const nowMs = this.clock.nowMs();
    if (avoidMs > 0) task.avoid(`${poolId}/${replicaId}`, nowMs + avoidMs);
    const waitMs = this.lanes.hasOtherPlace(task, nowMs) ? Math.min(elsewhereMs, delayMs) : delayMs;
    task.retry = this.alarms.after(waitMs, () => this.queue(task));
    (claim as EmbeddedClaim).close(false);
    return true;
  }

  end(claim: Claim, draft: EndDraft): Ended | undefined {
    const task = this.taskOf(claim);
    return task && this.endings.win(task, draft, false);
  }

  cancel(taskId: string, draft: EndDraft): Ended | Ending | undefined {
    const task = this.tasks.get(taskId);
    if (!task) return undefined;
    if (task.endingOver) return { over: task.endingOver };
    return this.endings.win(task, draft, true);
  }

  abandonAll(): void {
    for (const { claim, isMarked, isEnding } of this.tasks.values()) if (!isMarked && !isEnding) claim?.close(true);
  }

  async adopt(): Promise<Adopted> {
    const recovery = await this.opening.recovered();
    const { live, sessions, lastSeq } = recovery;
    this.orderKeys.resume(recovery);
    this.lastSeq = Math.max(this.lastSeq, lastSeq);
    this.accounts.restore(sessions);
    const [queued, interrupted]: [LiveTask[], LiveTask[]] = [[], []];
    for (const record of live) {
      const task = this.restore(record);
      (record.firstTokenMarked ? interrupted : queued).push(task);
      if (!record.firstTokenMarked) this.lanes.add(task, this.clock.nowMs());
    }
    this.wake();
    return { queued, interrupted };
  }

  async confirm(taskId: string): Promise<void> {
    await this.tasks.get(taskId)?.durable;
  }

  find(taskId: string): LiveTask | undefined {
    return this.tasks.get(taskId);
  }

  live(): IterableIterator<LiveTask> {
    return this.tasks.values();
  }

  *running(): IterableIterator<LiveTask> {
    for (const task of this.tasks.values()) if (task.state !== 'queued' || task.isEnding) yield task;
  }

  close(): Promise<void> {
    return this.journal.close();
  }

  position(taskId: string): number | undefined {
    const task = this.tasks.get(taskId);
    return task?.laneId === undefined ? undefined : this.lanes.position(task);
  }

  depth(): QueueDepth {
    return this.lanes.depth;
  }

  laneDepths(): readonly LaneDepth[] {
    return [...this.lanes.all()].map(({ constraints, members: { interactive, batch } }) => ({
      constraints,
      interactive: interactive.size,
      batch: batch.size,
    }));
  }

  ahead(priority: Priority): readonly LaneAhead[] {
    return this.lanes.ahead({ orderKey: this.orderKeys.of(priority), seq: this.lastSeq + 1 });
  }

  aheadOf(taskId: string): readonly LaneAhead[] {
    const task = this.tasks.get(taskId);
    return task?.laneId === undefined ? [] : this.lanes.ahead(task);
  }

  private answerKnown(task: HeldTask, requestHash: string): AdmitOutcome {
    if (task.facts.requestHash !== requestHash) return { kind: 'conflict' };
    const { spec, facts, durable } = task;
    return { kind: 'known', spec, facts, remaining: this.accounts.remainingOf(spec), durable };
  }

  private hold(submission: Submission, remaining: Admitted['remaining'], timeLimitMs: number): HeldTask {
    const { spec, requestHash, predictedStartMs, predictedStart, preparation } = submission;
    const facts: AdmissionFacts & { queuePosition: number } = {
      requestHash,
      admittedAtMs: this.clock.wallMs(),
      orderKey: this.orderKeys.of(spec.priority),
      seq: ++this.lastSeq,
      queuePosition: 0,
      predictedStartMs,
      predictedStart,
      preparation,
    };
    const nowMs = this.clock.nowMs();
    const task = new HeldTask(spec, facts, remaining, timeLimitMs, nowMs + spec.deadlineMs);
    this.keep(task);
    this.lanes.add(task, nowMs);
    facts.queuePosition = this.lanes.position(task);
    return task;
  }

  private keep(task: HeldTask): void {
    this.tasks.set(task.taskId, task);
    task.deadline = this.alarms.at(task.deadlineAtMs, () => this.overdue.next(task.taskId));
  }

  /** Writes an admission, and the ending of who lost its place for it: both or neither. */
  private write(task: HeldTask, loser?: HeldTask): Promise<Ended | undefined> {
    const eviction = loser && { loser, draft: this.bounds.droppedDraft() };
    const ending = eviction && this.endings.drafted(loser, eviction.draft);
    const durable = this.journal.admit(task.spec, task.facts, ending).then(
      () => eviction && this.endings.conclude(eviction.loser, eviction.draft, true),
      (cause: unknown) => {
        this.forget(task);
        if (eviction) this.takeBack(eviction.loser);
        throw cause;
      },
    );
    task.durable = durable;
    durable.catch(() => undefined); // Whoever admitted it finds out.
    return durable;
  }

  /** It was not admitted after all. */
  private forget(task: HeldTask): void {
    task.deadline?.cancel();
    task.retry?.cancel();
    this.lanes.remove(task);
    this.tasks.delete(task.taskId);
    task.isVoid = true;
    task.claim?.close(true);
    this.accounts.giveBack(task.spec);
  }

  /** For an admission: its task runs at once where it alone waits. */
  private claimOnlyOne(): Claim | undefined {
    const { interactive, batch } = this.lanes.depth;
    return interactive + batch === 1 ? this.claim() : undefined;
  }

  private start(task: HeldTask, lease: Lease, isWarm: boolean, nowMs: number): Claim {
    this.lanes.remove(task);
    task.retry?.cancel();
    const claim = new EmbeddedClaim(task, lease, ++task.attempts, isWarm, nowMs);
    task.claim = claim;
    task.placement = claim.placement;
    return claim;
  }

  /** Back into the queue, at its old place; where replicas are avoided, for as long as they are. */
  private queue(task: HeldTask): void {
    if (task.isEnding || task.claim) return;
    const nowMs = this.clock.nowMs();
    this.lanes.remove(task);
    this.lanes.add(task, nowMs);
    const until = [...task.avoided.values()].filter(untilMs => untilMs > nowMs && untilMs < Infinity);
    if (until.length > 0) task.retry = this.alarms.at(Math.min(...until), () => this.queue(task));
    this.wake();
  }

  private takeBack(task: HeldTask): void {
    task.settleEnding(true);
    this.queue(task);
  }

  private restore({ spec, facts, firstTokenMarked, placement }: JournalRecord): HeldTask {
    const { session, reserved } = this.accounts.reserveAgain(spec);
    const leftMs = facts.admittedAtMs + spec.deadlineMs - this.clock.wallMs();
    // A clock that was set back must not make a deadline longer than it was.
    const deadlineAtMs = this.clock.nowMs() + Math.min(leftMs, spec.deadlineMs);
    const task = new HeldTask(spec, facts, session.remaining, reserved.timeMs, deadlineAtMs);
    this.keep(task);
    if (firstTokenMarked) {
      task.isMarked = true;
      task.attempts = 1;
      task.placement = placement;
    }
    return task;
  }

  private taskOf(claim: Claim): HeldTask | undefined {
    const { task, isHeld } = claim as EmbeddedClaim;
    return isHeld && !task.isEnding ? task : undefined;
  }

  private wake(): void {
    this.wakes.next();
  }
}
