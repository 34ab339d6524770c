import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import type { Lease } from '../../pools/registry/pool';
import { ServiceError } from '../../errors/service-error';
import type { AdmissionFacts } from '../../tasks/task/task';
import type { LiveTask } from '../../tasks/ledger/task-ledger.port';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { Store, type Reply } from './connection/store';
import { StoreClaim, StoreTask } from './held-task';
import { HeldTasks } from './held-tasks';
import { NodeBeat, type AdoptedFields } from './node-beat';
import { requeueScript } from './scripts/attempt-scripts';
import {
  budgetOf,
  encodeError,
  factsOf,
  fieldsOf,
  liveTaskOf,
  remainingOf,
  specOf,
  type StoredEnding,
  type TaskFields,
} from './task-fields';

/** At most so many are looked at where all live tasks are asked for. */
const LIVE_MAX = 10_000;
/** Until a task is tried again whose replica went away while it was claimed. */
const GONE_MS = 50;

type Attempt = readonly [string, string, string, number, readonly string[], string];

export type Grant = (poolId: string, replicaId: string, model: string | undefined) => Lease | undefined;

/** Makes of what the store says tasks that this node runs, or looks at. */
@Injectable()
export class StoreTasks {
  constructor(
    private readonly config: Config,
    private readonly store: Store,
    private readonly held: HeldTasks,
    private readonly node: NodeBeat,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
  ) {}

  /** @param attempt as `startAttempt` answers */
  begin(attempt: Reply, grant: Grant, known?: AdmissionFacts): StoreClaim | undefined {
    const [taskId, token, replica, isWarm, claimed, model] = attempt as Attempt;
    const [spec, prompt, told, hash, seq, ok, at, pos, att, ref, rem, timeLimit, leftMs, avoid] = claimed.map(String);
    const nowMs = this.clock.nowMs();
    const task = new StoreTask(
      {
        spec: specOf(spec ?? '', prompt ?? ''),
        facts: known ?? factsOf(hash ?? '', [seq ?? '', ok ?? '', at ?? '', pos ?? ''], told ?? ''),
        attempts: Number(att),
        refusals: Number(ref),
        remaining: remainingOf(JSON.parse(rem ?? '[]') as string[], budgetOf(this.config)),
        timeLimitMs: Number(timeLimit),
        deadlineAtMs: nowMs + Number(leftMs),
        lastFailure: undefined,
        placement: undefined,
        avoided: avoid === undefined || avoid === '' ? [] : Object.keys(JSON.parse(avoid) as object),
      },
      token,
      this.node.leaseUntilMs(),
    );
    const [poolId = '', replicaId = ''] = replica.split('/');
    const lease = grant(poolId, replicaId, model === '' ? undefined : model);
    if (!lease) {
      // The replica went away meanwhile.
      const failure = encodeError(new ServiceError('POOL_UNREADY'));
      void this.store.run(requeueScript, taskId, token, GONE_MS, '{}', 0, failure).catch(() => undefined);
      return undefined;
    }
    task.claim = new StoreClaim(task, lease, isWarm === 1, nowMs, () => this.clock.nowMs());
    this.held.gain(task);
    return task.claim;
  }

  /** One that a node has left which is no more. */
  takeOver({ token, fields }: AdoptedFields): StoreTask | undefined {
    const task = this.atHand(token, fields);
    if (!task) return undefined;
    task.isTakenOver = true;
    this.held.gain(task);
    return task;
  }

  /** A task with the right to write of it. */
  atHand(token: string, fields: TaskFields): StoreTask | undefined {
    const live = liveTaskOf(fields);
    if (!live) return undefined;
    const rem = fields.get('rem') ?? '[]';
    const task = new StoreTask(
      {
        ...live,
        refusals: Number(fields.get('ref')),
        remaining: remainingOf(JSON.parse(rem) as string[], budgetOf(this.config)),
        timeLimitMs: Number(fields.get('tl')),
        deadlineAtMs: Infinity,
        avoided: [],
      },
      token,
      this.node.leaseUntilMs(),
    );
    task.isMarked = fields.has('place');
    if (fields.get('st') === 'e') task.won = JSON.parse(fields.get('end') ?? '{}') as StoredEnding;
    task.shown.startedAtMs = live.shown.startedAtMs;
    return task;
  }

  async find(taskId: string): Promise<LiveTask | undefined> {
    const fields = fieldsOf(await this.store.call('HGETALL', `${this.store.prefix}:t:${taskId}`));
    return fields && liveTaskOf(fields);
  }

  async live(): Promise<readonly LiveTask[]> {
    const ids = (await this.store.call(
      'SRANDMEMBER',
      `${this.store.prefix}:live`,
      String(LIVE_MAX),
    )) as readonly string[];
    const found = await Promise.all(ids.map(async taskId => this.held.get(taskId) ?? this.find(taskId)));
    return found.filter(task => task !== undefined);
  }

  pause(ms: number): Promise<void> {
    return new Promise(resolve => this.alarms.after(ms, resolve));
  }

  /** Somebody looks after that time, so that what becomes due then does not wait for the next beat. */
  beatIn(ms: number): void {
    this.alarms.after(ms + 1, () => void this.node.beat());
  }
}
