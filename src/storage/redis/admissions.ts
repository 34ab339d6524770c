import type { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import type { Admitted, AdmitOutcome, Ended, Submission } from '../../tasks/ledger/task-ledger.port';
import { atMost } from '../embedded/session-amounts';
import type { Reply, Store } from './connection/store';
import type { NodeBeat } from './node-beat';
import { admitScript, makeRoomScript } from './scripts/admission-scripts';
import type { StoreEndings } from './store-endings';
import { StoreLanes, type StoreLane } from './store-lanes';
import type { RedisSessions } from './redis-sessions';
import type { Grant, StoreTasks } from './store-tasks';
import { budgetOf, encodeSpec, factsOf, remainingOf, sessionOf } from './task-fields';

/** As the embedded queue. */
const MAX_LANES = 1024;
/** Lanes change seldom: who was told this often that others were added meanwhile gives up. */
const TRIES = 20;

export interface Attempted {
  readonly outcome: AdmitOutcome;
  /** It waits: somebody may claim it. */
  readonly isLeft: boolean;
}

type Answer =
  | readonly ['known' | 'conflict' | 'lanes']
  | readonly ['over', 'tokens' | 'time' | 'cost', number, Reply]
  | readonly ['full', 'places' | 'lanes' | 'bytes']
  | readonly ['ok', readonly string[], Reply, Reply, Reply, Reply, number];

/** Admits tasks, each in one step of the store. */
export class Admissions {
  constructor(
    private readonly config: Config,
    private readonly store: Store,
    private readonly lanes: StoreLanes,
    private readonly node: NodeBeat,
    private readonly tasks: StoreTasks,
    private readonly endings: StoreEndings,
    private readonly sessions: RedisSessions,
    private readonly grant: Grant,
  ) {}

  async admit(submission: Submission): Promise<Attempted> {
    const { spec } = submission;
    const lane = StoreLanes.plain(spec.constraints);
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = await this.ask(submission, lane);
      switch (answer[0]) {
        case 'lanes':
          await this.lanes.refresh();
          break;
        case 'conflict':
          return { outcome: { kind: 'conflict' }, isLeft: false };
        case 'known':
          return { outcome: await this.known(spec.taskId), isLeft: false };
        case 'full':
          return { outcome: { kind: 'full', reason: answer[1], isServed: this.lanes.isServed(lane) }, isLeft: false };
        case 'over': {
          const session = sessionOf(spec.sessionId, answer[3], budgetOf(this.config));
          return {
            outcome: { kind: 'over-budget', budget: answer[1], isSpent: answer[2] === 1, session },
            isLeft: false,
          };
        }
        case 'ok':
          return this.admitted(submission, lane, answer);
      }
    }
    throw new ServiceError('STORAGE_UNAVAILABLE', {}, new Error('the lanes of the queue did not settle'));
  }

  async makeRoom(constraints: PlacementConstraints): Promise<Ended | undefined> {
    if (this.config.admissionPolicy !== 'drop-lru') return undefined;
    await this.lanes.refresh();
    const lane = StoreLanes.plain(constraints);
    const args = {
      room: this.lanes.roomOf(lane),
      capacity: this.capacityOf(lane),
      node: this.node.nodeId,
      dropped: this.endings.encodedDropped(),
      ttl: this.config.sessionTtlMs,
      most_sessions: this.config.sessionsMax,
    };
    const dropped = await this.store.runDurably(makeRoomScript, JSON.stringify(args));
    if (dropped === null) return undefined;
    this.node.see((dropped as Dropped)[4] ?? []);
    return this.endings.dropped(dropped as Dropped, this.endings.draftOfDropped());
  }

  private async ask(
    { spec, requestHash, predictedStartMs, predictedStart, preparation }: Submission,
    lane: ReturnType<typeof StoreLanes.plain>,
  ): Promise<Answer> {
    const { config } = this;
    const costOfAll = (spec.maxTokens / 1000) * config.costPer1kTokens;
    const most = atMost({ tokens: spec.maxTokens, timeMs: spec.deadlineMs, cost: costOfAll });
    const { tokens, timeMs, microCost } = budgetOf(this.config);
    const args = {
      id: spec.taskId,
      hash: requestHash,
      node: this.node.nodeId,
      lane: lane.key,
      lid: lane.id,
      prio: spec.priority === 'interactive' ? 'i' : 'b',
      bytes: Buffer.byteLength(spec.prompt),
      room: this.lanes.roomOf(lane),
      lv: this.lanes.version,
      capacity: this.capacityOf(lane),
      maxBytes: config.queueMaxBytes,
      maxLanes: MAX_LANES,
      drops: config.admissionPolicy === 'drop-lru' ? 1 : 0,
      dropped: this.endings.encodedDropped(),
      head: spec.priority === 'batch' ? config.batchAgeingMs : 0,
      deadline: spec.deadlineMs,
      sid: spec.sessionId,
      own: spec.ownSession ? '1' : '0',
      most: [most.tokens, most.timeMs, most.microCost],
      budget: [tokens, timeMs, microCost],
      ttl: config.sessionTtlMs,
      most_sessions: config.sessionsMax,
      places: this.lanes.placesOf(lane),
    };
    const told = JSON.stringify({ predictedStartMs, predictedStart, preparation });
    const reply = await this.store.runDurably(
      admitScript,
      JSON.stringify(args),
      encodeSpec(spec),
      spec.prompt,
      told,
      lane.definition,
    );
    return reply as unknown as Answer;
  }

  private admitted(
    { requestHash, predictedStartMs, predictedStart, preparation }: Submission,
    lane: StoreLane,
    answer: Extract<Answer, readonly ['ok', ...unknown[]]>,
  ): Attempted {
    const [, place, view, depth, attempt, dropped, lanesVersion] = answer;
    this.node.see(depth);
    this.lanes.met(lane, lanesVersion);
    const [seq = '', ok = '', at = '', pos = ''] = place.map(String);
    const told = { predictedStartMs, predictedStart, preparation };
    const facts = { ...factsOf(requestHash, [seq, ok, at, pos], '{}'), ...told };
    const claim = attempt === null ? undefined : this.tasks.begin(attempt, this.grant, facts);
    const evicted =
      dropped === null ? undefined : this.endings.dropped(dropped as Dropped, this.endings.draftOfDropped());
    const outcome: Admitted = {
      kind: 'admitted',
      facts,
      remaining: remainingOf(view, budgetOf(this.config)),
      ...(claim && { claim }),
      durable: Promise.resolve(evicted),
    };
    return { outcome, isLeft: attempt === null };
  }

  private async known(taskId: string): Promise<AdmitOutcome> {
    const task = await this.tasks.find(taskId);
    if (!task) return { kind: 'conflict' };
    const { spec, facts } = task;
    const { remaining } = await this.sessions.open(spec.sessionId);
    return { kind: 'known', spec, facts, remaining, durable: Promise.resolve() };
  }

  private capacityOf(lane: StoreLane): number {
    const { admissionCapacity, unservedCapacity } = this.config;
    return this.lanes.isServed(lane) ? admissionCapacity : (unservedCapacity ?? admissionCapacity);
  }
}

type Dropped = readonly [string, string, Reply, Reply, Reply?];
