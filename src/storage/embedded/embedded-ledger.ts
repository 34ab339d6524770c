import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { filter, Subject, type Subscription } from 'rxjs';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import type { Lease } from '../../pools/registry/pool';
import type { PoolChange } from '../../pools/registry/pool-registry.port';
import { JournalStart } from '../../tasks/journal/journal-start';
import { TaskJournal, type JournalRecord, type Recovery } from '../../tasks/journal/task-journal.port';
import {
  TaskLedger,
  type Admitted,
  type Adopted,
  type AdmitOutcome,
  type Claim,
  type EndDraft,
  type Ended,
  type Ending,
  type LaneAhead,
  type LiveTask,
  type Refusal,
  type Requeue,
  type Submission,
} from '../../tasks/ledger/task-ledger.port';
import type { LaneDepth, QueueDepth } from '../../pools/placement/queue-depths.port';
import { Candidates } from '../../pools/placement/candidates.port';
import type { AdmissionFacts, Priority, TaskEnding, TaskSpec } from '../../tasks/task/task';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { EmbeddedEnded, endingOf, usageOf, type EndTimes } from './embedded-ended';
import { EmbeddedClaim, HeldTask } from './held-task';
import { Lanes, type Lane } from './lanes';
import { isBefore } from './ordered-set';
import { OwedEndings } from './owed-endings';
import { Slots, type FreeSlot } from './slots';
import { TaskAccounts } from './task-accounts';

/** Sets of candidates that queued tasks may name at once; a client that varies its constraints without end stops here. */
const MAX_LANES = 1024;

/** Whether a task may have become able to start. */
function opensPlaces({ kind }: PoolChange): boolean {
  return kind !== 'unbound' && kind !== 'slot-releasing' && kind !== 'woken';
}

/** The ledger in this process: structures in memory, whose every change is one synchronous step, over the journal. */
@Injectable()
export class EmbeddedLedger extends TaskLedger implements OnModuleInit, OnModuleDestroy {
  private readonly tasks = new Map<string, HeldTask>();
  private readonly lanes: Lanes;
  private readonly wakes = new Subject<void>();
  private readonly overdue = new Subject<string>();
  override readonly wake$ = this.wakes.asObservable();
  override readonly overdue$ = this.overdue.asObservable();
  private changes: Subscription | undefined;
  private lastSeq = 0;

  constructor(
    private readonly config: Config,
    candidates: Candidates,
    private readonly slots: Slots,
    private readonly accounts: TaskAccounts,
    private readonly journal: TaskJournal,
    private readonly opening: JournalStart,
    private readonly endings: OwedEndings,
    private readonly clock: Clock,
    private readonly runningTime: RunningTime,
    private readonly alarms: Alarms,
  ) {
    super();
    this.lanes = new Lanes(candidates);
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
    const refusal = this.refusalOf(spec);
    if (refusal && !(refusal.reason === 'places' && this.dropsOldest)) {
      this.accounts.giveBack(spec);
      return refusal;
    }
    const loser = refusal && this.lanes.oldest(refusal.isServed);
    if (loser) this.take(loser);
    const task = this.hold(submission, reserved.session.remaining, reserved.reserved.timeMs);
    const durable = this.write(task, loser);
    const claim = this.claimOnlyOne();
    if (!claim) this.wake();
    return { kind: 'admitted', facts: task.facts, remaining: task.remaining, ...(claim && { claim }), durable };
  }

  makeRoom(constraints: PlacementConstraints): Ended | undefined {
    const { tasks, isServed } = this.lanes.roomFor(constraints);
    if (!this.dropsOldest || tasks < this.capacityOf(isServed)) return undefined;
    const oldest = this.lanes.oldest(isServed);
    return oldest && this.win(oldest, this.droppedDraft(), true);
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
    if (avoidMs > 0) task.avoided.set(`${poolId}/${replicaId}`, nowMs + avoidMs);
    const waitMs = this.lanes.hasOtherPlace(task, nowMs) ? Math.min(elsewhereMs, delayMs) : delayMs;
    task.retry = this.alarms.after(waitMs, () => this.queue(task));
    (claim as EmbeddedClaim).close(false);
    return true;
  }

  end(claim: Claim, draft: EndDraft): Ended | undefined {
    const task = this.taskOf(claim);
    return task && this.win(task, draft, false);
  }

  cancel(taskId: string, draft: EndDraft): Ended | Ending | undefined {
    const task = this.tasks.get(taskId);
    if (!task) return undefined;
    if (task.endingOver) return { over: task.endingOver };
    return this.win(task, draft, true);
  }

  abandonAll(): void {
    for (const { claim, isMarked, isEnding } of this.tasks.values()) if (!isMarked && !isEnding) claim?.close(true);
  }

  async adopt(): Promise<Adopted> {
    const recovery = await this.opening.recovered();
    const { live, sessions, lastSeq } = recovery;
    this.resumeTime(recovery);
    this.lastSeq = Math.max(this.lastSeq, lastSeq);
    this.accounts.restore(sessions);
    const interrupted: LiveTask[] = [];
    for (const record of live) {
      const task = this.restore(record);
      if (record.firstTokenMarked) interrupted.push(task);
      else this.lanes.add(task, this.clock.nowMs());
    }
    this.wake();
    return { queued: live.length - interrupted.length, interrupted };
  }

  find(taskId: string): LiveTask | undefined {
    return this.tasks.get(taskId);
  }

  live(): Iterable<LiveTask> {
    return this.tasks.values();
  }

  position(taskId: string): number | undefined {
    const task = this.tasks.get(taskId);
    return task?.laneId === undefined ? undefined : this.lanes.position(task);
  }

  depth(): QueueDepth {
    return { ...this.lanes.depth };
  }

  laneDepths(): readonly LaneDepth[] {
    return [...this.lanes.all()].map(({ constraints, members: { interactive, batch } }) => ({
      constraints,
      interactive: interactive.size,
      batch: batch.size,
    }));
  }

  ahead(priority: Priority): readonly LaneAhead[] {
    return this.lanes.ahead({ orderKey: this.orderKeyOf(priority), seq: this.lastSeq + 1 });
  }

  aheadOf(taskId: string): readonly LaneAhead[] {
    const task = this.tasks.get(taskId);
    return task?.laneId === undefined ? [] : this.lanes.ahead(task);
  }

  private get dropsOldest(): boolean {
    return this.config.admissionPolicy === 'drop-lru';
  }

  private answerKnown(task: HeldTask, requestHash: string): AdmitOutcome {
    if (task.facts.requestHash !== requestHash) return { kind: 'conflict' };
    const { spec, facts, durable } = task;
    return { kind: 'known', spec, facts, remaining: this.accounts.remainingOf(spec), durable };
  }

  private refusalOf({ constraints, prompt }: TaskSpec): Extract<Refusal, { kind: 'full' }> | undefined {
    const { tasks, lanes, bytes, isServed, isNewLane } = this.lanes.roomFor(constraints);
    if (bytes + Buffer.byteLength(prompt) > this.config.queueMaxBytes)
      return { kind: 'full', reason: 'bytes', isServed };
    if (isNewLane && lanes >= MAX_LANES) return { kind: 'full', reason: 'lanes', isServed };
    return tasks < this.capacityOf(isServed) ? undefined : { kind: 'full', reason: 'places', isServed };
  }

  private capacityOf(isServed: boolean): number {
    const { admissionCapacity, unservedCapacity } = this.config;
    return isServed ? admissionCapacity : (unservedCapacity ?? admissionCapacity);
  }

  private hold(submission: Submission, remaining: Admitted['remaining'], timeLimitMs: number): HeldTask {
    const { spec, requestHash, predictedStartMs, predictedStart, preparation } = submission;
    const place = { orderKey: this.orderKeyOf(spec.priority), seq: ++this.lastSeq };
    const facts: AdmissionFacts & { queuePosition: number } = {
      requestHash,
      admittedAtMs: this.clock.wallMs(),
      ...place,
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

  /** A batch task goes as if it had come later: that much is the head start of interactive ones. */
  private orderKeyOf(priority: Priority): number {
    return this.runningTime.nowMs() + this.headStartMs(priority);
  }

  private headStartMs(priority: Priority): number {
    return priority === 'batch' ? this.config.batchAgeingMs : 0;
  }

  /** Time goes on behind all that the process before has stamped with it. */
  private resumeTime({ live, lastKeptMs }: Recovery): void {
    if (lastKeptMs !== undefined) this.runningTime.resumeAfter(lastKeptMs);
    for (const { spec, facts } of live) this.runningTime.resumeAfter(facts.orderKey - this.headStartMs(spec.priority));
  }

  private endTimes(): EndTimes {
    return { endedAtMs: this.clock.wallMs(), keptFromMs: this.runningTime.nowMs() };
  }

  private keep(task: HeldTask): void {
    this.tasks.set(task.taskId, task);
    task.deadline = this.alarms.at(task.deadlineAtMs, () => this.overdue.next(task.taskId));
  }

  /** Writes an admission, and the ending of who lost its place for it: both or neither. */
  private write(task: HeldTask, loser?: HeldTask): Promise<Ended | undefined> {
    const eviction = loser && this.evictionOf(loser);
    const durable = this.journal.admit(task.spec, task.facts, eviction?.ending).then(
      () => eviction && this.conclude(eviction.loser, eviction.draft, true),
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

  private evictionOf(loser: HeldTask): { loser: HeldTask; draft: EndDraft; ending: TaskEnding } {
    const draft = this.droppedDraft();
    const usage = usageOf(loser, draft, this.clock.nowMs());
    return { loser, draft, ending: endingOf(loser, draft, usage, this.endTimes()) };
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

  private win(task: HeldTask, draft: EndDraft, tell: boolean): Ended {
    this.take(task);
    return this.conclude(task, draft, tell);
  }

  /** For an ending: it has no place any more, and nobody else touches it. */
  private take(task: HeldTask): void {
    this.lanes.remove(task);
    task.beginEnding();
  }

  private takeBack(task: HeldTask): void {
    task.settleEnding(true);
    this.queue(task);
  }

  /** The ending is decided: its slot is free, its timers are off, what it had reserved is settled. */
  private conclude(task: HeldTask, draft: EndDraft, tell: boolean): Ended {
    task.deadline?.cancel();
    task.retry?.cancel();
    const measured = usageOf(task, draft, this.clock.nowMs());
    task.claim?.close(tell);
    const usage = { ...measured, cost: this.accounts.costOf(measured.tokensOut) };
    const settled = this.accounts.settle(task.spec, usage, draft.state === 'completed');
    const ending = endingOf(task, draft, usage, this.endTimes());
    return new EmbeddedEnded(task, draft, ending, settled, this.endings, () => {
      if (!task.isVoid) this.tasks.delete(task.taskId);
      task.settleEnding(false);
    });
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

  private droppedDraft(): EndDraft {
    const policyLabel = this.config.admissionPolicy;
    return { state: 'dropped', error: new ServiceError('QUEUE_FULL_DROP_LRU', { policyLabel }) };
  }

  private wake(): void {
    this.wakes.next();
  }
}
