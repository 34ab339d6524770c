import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import type { Spend } from '../../sessions/session-store.port';
import type { EndDraft, Ended, Ending } from '../../tasks/ledger/task-ledger.port';
import { endedUsage } from '../../tasks/ledger/ended-usage';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { RunningTime } from '../../time/running-time';
import { atMost } from '../embedded/session-amounts';
import { Store, type Reply } from './connection/store';
import type { StoreTask } from './held-task';
import { CutSlots } from './cut-slots';
import { HeldTasks } from './held-tasks';
import { NodeBeat } from './node-beat';
import { winScript } from './scripts/attempt-scripts';
import { StoreEnded } from './store-ended';
import { StoreTasks } from './store-tasks';
import { budgetOf, draftOf, fieldsOf, remainingOf, type StoredEnding } from './task-fields';

/** Between looks whether somebody else has ended a task. */
const LOOK_MS = 100;
/** Who was asked may not have heard it. */
const ASK_AGAIN_MS = 1000;
const RETRY_MS = 200;

type Asked = readonly ['ending'] | readonly ['asked', string] | readonly ['won', string, Reply, Reply, Reply];

/** How tasks end: the store says who comes first. */
@Injectable()
export class StoreEndings {
  constructor(
    private readonly config: Config,
    private readonly store: Store,
    private readonly held: HeldTasks,
    private readonly tasks: StoreTasks,
    private readonly cuts: CutSlots,
    private readonly node: NodeBeat,
    private readonly clock: Clock,
    private readonly runningTime: RunningTime,
    private readonly alarms: Alarms,
  ) {}

  /** @param tell its attempt is told that its claim is lost */
  async winOwn(task: StoreTask, draft: EndDraft, tell: boolean): Promise<Ended | undefined> {
    task.isEnding = true;
    if (task.won) return this.endedAsWon(task, task.won, draft);
    const ending = this.endingOf(task, draft);
    const isCut = this.cuts.isCut(task);
    const won = await this.winSurely(task, ending, draft.state === 'completed', isCut);
    if (won?.[0] !== 'won') {
      this.held.lose(task);
      return undefined;
    }
    if (isCut) this.cuts.add(task);
    task.claim?.close(tell);
    return this.ended(task, draft, ending, remainingOf(won[2], budgetOf(this.config)));
  }

  /** Again until there is an answer, for as long as the task is this node's: won twice is won once. */
  private async winSurely(
    task: StoreTask,
    ending: StoredEnding,
    isTurn: boolean,
    isCut: boolean,
  ): Promise<Asked | null> {
    for (;;) {
      try {
        return await this.win(task.taskId, task.token, ending, isTurn, isCut);
      } catch (thrown) {
        if (this.held.get(task.taskId) !== task) throw thrown;
        await new Promise<void>(resolve => this.alarms.after(RETRY_MS, resolve));
      }
    }
  }

  /** A task that this node does not run. */
  async winElsewhere(taskId: string, draft: EndDraft): Promise<Ended | Ending | undefined> {
    const ending = this.endingOf(undefined, draft);
    const won = await this.win(taskId, '', ending, false);
    if (!won) return undefined;
    if (won[0] !== 'won') return { over: this.over(taskId, won[1] ?? '', ending) };
    return this.endedOf(won[1], won[3], won[2], draft, ending);
  }

  /** One whose ending another step has won: an admission that took its place. */
  dropped([, token, view, flat]: readonly [string, string, Reply, Reply, Reply?], draft: EndDraft): Ended | undefined {
    return this.endedOf(token, flat, view, draft, this.endingOf(undefined, draft));
  }

  draftOfDropped(): EndDraft {
    return {
      state: 'dropped',
      error: new ServiceError('QUEUE_FULL_DROP_LRU', { policyLabel: this.config.admissionPolicy }),
    };
  }

  encodedDropped(): string {
    return JSON.stringify(this.endingOf(undefined, this.draftOfDropped()));
  }

  /** As its node had won it; but an output is not complete of which the last part went with that node. What it has cost was settled then. */
  private endedAsWon(task: StoreTask, won: StoredEnding, draft: EndDraft): Ended {
    const isLost = won.state === 'completed';
    const kept = isLost ? { ...this.endingOf(task, draft), usage: won.usage } : won;
    return this.ended(task, isLost ? draft : draftOf(JSON.stringify(won)), kept, task.hand.remaining);
  }

  private endedOf(token: string, flat: Reply, view: Reply, draft: EndDraft, ending: StoredEnding): Ended | undefined {
    const fields = fieldsOf(flat);
    const task = fields && this.tasks.atHand(token, fields);
    if (!task) return undefined;
    task.isEnding = true;
    this.held.gain(task);
    return this.ended(task, draft, { ...ending, attempts: task.attempts }, remainingOf(view, budgetOf(this.config)));
  }

  private ended(task: StoreTask, draft: EndDraft, kept: StoredEnding, remaining: Spend): Ended {
    const ending = {
      taskId: task.taskId,
      ...kept,
      endedAtMs: this.clock.wallMs(),
      keptFromMs: this.runningTime.nowMs(),
    };
    return new StoreEnded(task, draft, ending, kept, remaining, this.held, this.store, this.alarms);
  }

  private async win(
    taskId: string,
    token: string,
    ending: StoredEnding,
    isTurn: boolean,
    isCut = false,
    /** Who is to be asked again; wins nothing. */
    askedNode = '',
  ): Promise<Asked | null> {
    const { tokensOut: tokens, decodeMs: timeMs, cost } = ending.usage;
    const used = atMost({ tokens, timeMs, cost });
    const args = {
      id: taskId,
      token,
      node: this.node.nodeId,
      ending: JSON.stringify(ending),
      used: [used.tokens, used.timeMs, used.microCost],
      turn: isTurn ? 1 : 0,
      cut: isCut ? 1 : 0,
      again: askedNode,
      ttl: this.config.sessionTtlMs,
      most_sessions: this.config.sessionsMax,
    };
    const won = (await this.store.run(winScript, JSON.stringify(args))) as Asked | null;
    if (won?.[0] === 'won') this.node.see(won[4]);
    return won;
  }

  /** Resolves when a task has ended, or is no more with whom it was. */
  private async over(taskId: string, node: string, ending: StoredEnding): Promise<void> {
    const key = `${this.store.prefix}:t:${taskId}`;
    let hear = (): void => undefined;
    const stop = this.store.listen(`ev:${taskId}`, () => hear());
    try {
      for (let askAtMs = this.clock.nowMs() + ASK_AGAIN_MS; ;) {
        const heard = new Promise<void>(resolve => (hear = resolve));
        const look = new Promise<void>(resolve => this.alarms.after(LOOK_MS, resolve));
        const [st, at] = await this.lookAt(key);
        if (st === null || st === 'x' || (st !== 'e' && at !== node)) return;
        if (node !== '' && this.clock.nowMs() > askAtMs) {
          askAtMs += ASK_AGAIN_MS;
          await this.win(taskId, '', ending, false, false, node).catch(() => null);
        }
        await Promise.race([heard, look]);
      }
    } finally {
      stop();
    }
  }

  /** While the store is away a task is taken to be as it was. */
  private async lookAt(key: string): Promise<readonly (string | null)[]> {
    try {
      return (await this.store.call('HMGET', key, 'st', 'node')) as readonly (string | null)[];
    } catch {
      return ['e', ''];
    }
  }

  private endingOf(task: StoreTask | undefined, draft: EndDraft): StoredEnding {
    const elapsedMs = task?.claim ? this.clock.nowMs() - task.claim.claimedAtMs : 0;
    const usage = endedUsage(draft, task?.shown.tokens ?? 0, elapsedMs);
    const failed = draft.state === 'completed' ? undefined : draft.error;
    return {
      state: draft.state,
      ...(failed && { code: failed.code, message: failed.message }),
      usage: { ...usage, cost: (usage.tokensOut / 1000) * this.config.costPer1kTokens },
      ...(task?.placement && { placement: task.placement }),
      attempts: task?.attempts ?? 0,
      ...(task?.shown.startedAtMs !== undefined && { startedAtMs: task.shown.startedAtMs }),
    };
  }
}
