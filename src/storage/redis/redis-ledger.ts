import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { filter, Subject, Subscription } from 'rxjs';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Candidates } from '../../pools/placement/candidates.port';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import type { LaneDepth, QueueDepth } from '../../pools/placement/queue-depths.port';
import type { Lease } from '../../pools/registry/pool';
import { opensPlaces } from '../../pools/registry/pool-registry.port';
import type { LaneAhead } from '../../tasks/ledger/lane-ahead';
import {
  TaskLedger,
  type Adopted,
  type AdmitOutcome,
  type AskedEnding,
  type Claim,
  type EndDraft,
  type Ended,
  type Ending,
  type LiveTask,
  type Requeue,
  type Submission,
} from '../../tasks/ledger/task-ledger.port';
import type { Priority } from '../../tasks/task/task';
import { Clock } from '../../time/clock';
import type { MaybeLater } from '../../time/maybe-later';
import { MemoryPoolRegistry } from '../memory/pool-registry.memory';
import { Store, type Reply } from './connection/store';
import type { StoreClaim } from './held-task';
import { HeldTasks } from './held-tasks';
import { NodeBeat, type Beat } from './node-beat';
import { Admissions } from './admissions';
import { StoreEndings } from './store-endings';
import { RedisSessions } from './redis-sessions';
import { CutSlots } from './cut-slots';
import { EventWriter } from './event-writer';
import { StoreTasks, type Grant } from './store-tasks';
import { confirmScript } from './scripts/admission-scripts';
import { claimForScript, claimScript, markScript, requeueScript } from './scripts/attempt-scripts';
import { aheadScript, depthsScript, positionScript } from './scripts/node-scripts';
import { leaveScript } from './scripts/presence-scripts';
import { numbersOf, StoreLanes } from './store-lanes';
import { draftOf, encodeError } from './task-fields';

/** Between tries to make a first output durable while the store is away. */
const MARK_AGAIN_MS = 100;

/** The ledger of several nodes: each verb is one script of their store; what this node runs is at hand here. */
@Injectable()
export class RedisLedger extends TaskLedger implements OnModuleDestroy {
  private readonly wakes = new Subject<void>();
  private readonly overdue = new Subject<string>();
  private readonly asked = new Subject<AskedEnding>();
  private readonly interrupted = new Subject<LiveTask>();
  override readonly wake$ = this.wakes.asObservable();
  override readonly overdue$ = this.overdue.asObservable();
  override readonly asked$ = this.asked.asObservable();
  override readonly interrupted$ = this.interrupted.asObservable();
  private readonly lanes: StoreLanes;
  private readonly admissions: Admissions;
  private readonly endings: StoreEndings;
  private readonly subscriptions = new Subscription();
  /** A claim may bring something: asked again only once something has happened. */
  private isWorthAsking = false;
  private hasBegun = false;
  /** What is given back while this node stops. */
  private readonly leaving: Promise<unknown>[] = [];
  private adopting: { readonly queued: LiveTask[]; readonly interrupted: LiveTask[] } | undefined;

  constructor(
    private readonly config: Config,
    candidates: Candidates,
    private readonly registry: MemoryPoolRegistry,
    private readonly store: Store,
    private readonly held: HeldTasks,
    private readonly tasks: StoreTasks,
    private readonly node: NodeBeat,
    private readonly writer: EventWriter,
    private readonly cuts: CutSlots,
    private readonly clock: Clock,
    sessions: RedisSessions,
    endings: StoreEndings,
  ) {
    super();
    this.lanes = new StoreLanes(store, candidates, registry);
    this.endings = endings;
    const grant: Grant = (...slot) => registry.grant(...slot);
    this.admissions = new Admissions(config, store, this.lanes, node, tasks, endings, sessions, grant);
  }

  onModuleDestroy(): void {
    this.subscriptions.unsubscribe();
    this.node.stop();
  }

  async adopt(): Promise<Adopted> {
    this.hasBegun = true;
    this.adopting = { queued: [], interrupted: [] };
    this.subscriptions.add(this.node.beat$.subscribe(beat => this.take(beat)));
    this.subscriptions.add(this.registry.changes$.pipe(filter(opensPlaces)).subscribe(() => this.wake()));
    this.subscriptions.add(this.store.listen('wake', () => this.wake()));
    this.subscriptions.add(this.store.up$.subscribe(() => void this.node.beat()));
    await this.lanes.refresh();
    await this.node.begin();
    const adopted = this.adopting;
    this.adopting = undefined;
    this.wake();
    return adopted;
  }

  async admit(submission: Submission): Promise<AdmitOutcome> {
    const { outcome, isLeft } = await this.admissions.admit(submission);
    if (isLeft) this.wake();
    return outcome;
  }

  makeRoom(constraints: PlacementConstraints): Promise<Ended | undefined> {
    return this.admissions.makeRoom(constraints);
  }

  claim(): MaybeLater<Claim | undefined> {
    if (!this.isWorthAsking) return undefined;
    const offers = [...this.lanes.all()]
      .map(lane => [lane.key, this.lanes.placesOf(lane)] as const)
      .filter(([, places]) => places.length > 0);
    this.isWorthAsking = false;
    return offers.length === 0 ? undefined : this.claimFirst(offers);
  }

  async claimFor(taskId: string, lease: Lease): Promise<Claim | undefined> {
    const attempt = await this.store.run(claimForScript, this.node.nodeId, taskId);
    return attempt === null ? undefined : this.tasks.begin(attempt, () => lease);
  }

  async markFirstToken(claim: Claim): Promise<boolean> {
    const { task } = claim as StoreClaim;
    if (!claim.isHeld || task.isEnding) return false;
    const startedAtMs = task.shown.startedAtMs ?? this.clock.wallMs();
    const args = [task.taskId, task.token, JSON.stringify(claim.placement), startedAtMs] as const;
    for (;;) {
      try {
        if ((await this.store.runDurably(markScript, ...args)) !== 1) return false;
        task.isMarked = true;
        return claim.isHeld && !task.isEnding;
      } catch {
        // Marked twice is marked once: for as long as the attempt is this node's the store may come back.
        if (!claim.isHeld || task.isEnding) return false;
        await this.tasks.pause(MARK_AGAIN_MS);
      }
    }
  }

  async requeue(claim: Claim, { failure, delayMs, elsewhereMs, avoidMs, counts }: Requeue): Promise<boolean> {
    const { task } = claim as StoreClaim;
    if (!claim.isHeld || task.isEnding || task.isMarked || task.isReturning) return false;
    const name = `${claim.lease.poolId}/${claim.lease.replicaId}`;
    const avoided = new Set([...task.hand.avoided, ...(avoidMs > 0 ? [name] : [])]);
    const waitMs = this.lanes.hasOtherPlace(task.spec.constraints, avoided) ? Math.min(elsewhereMs, delayMs) : delayMs;
    const avoid = avoidMs > 0 ? { [name]: avoidMs === Infinity ? -1 : avoidMs } : {};
    const isDone = await this.giveBack(claim as StoreClaim, waitMs, avoid, counts, failure);
    this.tasks.beatIn(waitMs);
    return isDone;
  }

  async end(claim: Claim, draft: EndDraft): Promise<Ended | undefined> {
    const { task } = claim as StoreClaim;
    if (!claim.isHeld || task.isEnding) return undefined;
    return this.endings.winOwn(task, draft, false);
  }

  async cancel(taskId: string, draft: EndDraft): Promise<Ended | Ending | undefined> {
    const task = this.held.get(taskId);
    if (task?.isEnding) return { over: task.over() };
    if (task && !task.isReturning) {
      const ended = await this.endings.winOwn(task, draft, true);
      if (ended) return ended;
    }
    return this.endings.winElsewhere(taskId, draft);
  }

  abandonAll(): void {
    const failure = new ServiceError('SHUTTING_DOWN');
    for (const { claim, isMarked, isEnding, isReturning } of [...this.held.all()]) {
      if (!claim || isMarked || isEnding || isReturning) continue;
      this.leaving.push(this.giveBack(claim, 0, {}, false, failure).catch(() => false));
      claim.close(true);
    }
  }

  async find(taskId: string): Promise<LiveTask | undefined> {
    return this.held.get(taskId) ?? this.tasks.find(taskId);
  }

  async confirm(taskId: string): Promise<void> {
    // Who is new, as nearly all are, waits for no disk and no replica.
    const hash = await this.store.call('HGET', `${this.store.prefix}:t:${taskId}`, 'hash');
    if (hash !== null) await this.store.runDurably(confirmScript, taskId);
  }

  live(): Promise<Iterable<LiveTask>> {
    return this.tasks.live();
  }

  *running(): IterableIterator<LiveTask> {
    yield* this.held.all();
  }

  async position(taskId: string): Promise<number | undefined> {
    await this.seeLanes();
    const before = await this.store.run(positionScript, taskId, JSON.stringify(this.lanes.rooms()));
    return before === null ? undefined : Number(before);
  }

  depth(): QueueDepth {
    return this.node.depth;
  }

  async laneDepths(): Promise<readonly LaneDepth[]> {
    // Engines are met before the store is: nobody knows of tasks yet.
    if (!this.hasBegun) return [];
    await this.seeLanes();
    const lanes = [...this.lanes.all()];
    const depths = (await this.store.run(
      depthsScript,
      JSON.stringify(lanes.map(({ key }) => key)),
    )) as readonly Reply[];
    return lanes
      .map(({ constraints }, at): LaneDepth => {
        const [interactive = 0, batch = 0] = numbersOf(depths[at] ?? []);
        return { constraints, interactive, batch };
      })
      .filter(({ interactive, batch }) => interactive + batch > 0);
  }

  async ahead(priority: Priority): Promise<readonly LaneAhead[]> {
    if (this.isEmpty) return [];
    return this.aheadIn('', priority === 'batch' ? this.config.batchAgeingMs : 0);
  }

  aheadOf(taskId: string): Promise<readonly LaneAhead[]> {
    return this.aheadIn(taskId, 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.leaving);
    await this.writer.flush();
    this.subscriptions.unsubscribe();
    this.node.stop();
    // Best effort: a node that has not said so is taken for gone a while later.
    await this.store.run(leaveScript, this.node.nodeId).catch(() => undefined);
    await this.store.close();
  }

  /** Sums of what was looked at stand for the rest of a lane too. */
  private async aheadIn(taskId: string, headStartMs: number): Promise<readonly LaneAhead[]> {
    await this.seeLanes();
    const lanes = new Map([...this.lanes.all()].map(lane => [lane.key, lane]));
    const ahead = (await this.store.run(
      aheadScript,
      JSON.stringify([...lanes.keys()]),
      taskId,
      headStartMs,
    )) as readonly Reply[];
    return ahead.flatMap(entry => {
      const [key, ...figures] = entry as readonly Reply[];
      const [tasks = 0, sampled = 1, bytes = 0, askedTokens = 0] = figures.map(Number);
      const lane = lanes.get(String(key));
      const scale = tasks / Math.max(1, sampled);
      const sums = { tasks, bytes: Math.round(bytes * scale), askedTokens: Math.round(askedTokens * scale) };
      return lane ? [{ constraints: lane.constraints, sums }] : [];
    });
  }

  /** @param avoid by replica, for how many milliseconds it is avoided; -1: for as long as the task lives */
  private async giveBack(
    claim: StoreClaim,
    waitMs: number,
    avoid: Readonly<Record<string, number>>,
    counts: boolean,
    failure: ServiceError,
  ): Promise<boolean> {
    const { task } = claim;
    task.isReturning = true;
    const isCut = this.cuts.isCut(task);
    const args = [
      task.taskId,
      task.token,
      waitMs,
      JSON.stringify(avoid),
      counts ? 1 : 0,
      encodeError(failure),
    ] as const;
    const isDone = (await this.store.run(requeueScript, ...args)) === 1;
    if (isDone && isCut) this.cuts.add(task);
    if (isDone) this.held.giveBack(task);
    else this.held.lose(task);
    claim.close(false);
    return isDone;
  }

  private async claimFirst(offers: readonly unknown[]): Promise<Claim | undefined> {
    const reply = await this.store.run(claimScript, this.node.nodeId, JSON.stringify(offers));
    const [attempt, depth, lanesVersion] = reply as [Reply, Reply, number];
    this.node.see(depth);
    // Who waits in a lane that is not known here was not looked at.
    const isOutdated = lanesVersion !== this.lanes.version;
    if (isOutdated) await this.lanes.refresh();
    this.isWorthAsking ||= attempt !== null || isOutdated;
    if (attempt === null) return isOutdated ? this.claim() : undefined;
    const claim = this.tasks.begin(attempt, (poolId, replicaId, model) =>
      this.registry.grant(poolId, replicaId, model),
    );
    if (claim) return claim;
    // The replica went away meanwhile: its task is somebody else's, or the next's.
    return this.claim();
  }

  private take({ asks, adopted, overdue, lanesVersion, isQueued }: Beat): void {
    if (lanesVersion !== this.lanes.version)
      void this.lanes.refresh().then(
        () => this.wake(),
        () => undefined,
      );
    for (const { taskId, ending } of asks) this.asked.next({ taskId, draft: draftOf(ending) });
    for (const fields of adopted) {
      const task = this.tasks.takeOver(fields);
      if (!task) continue;
      if (this.adopting) this.adopting.interrupted.push(task);
      else this.interrupted.next(task);
    }
    for (const taskId of overdue) this.overdue.next(taskId);
    if (isQueued || !this.isEmpty) this.wake();
  }

  private get isEmpty(): boolean {
    const { interactive, batch } = this.node.depth;
    return interactive + batch === 0;
  }

  private async seeLanes(): Promise<void> {
    await this.lanes.refresh();
  }

  private wake(): void {
    this.isWorthAsking = true;
    this.wakes.next();
  }
}
