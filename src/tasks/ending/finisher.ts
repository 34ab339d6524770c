import { Injectable } from '@nestjs/common';
import type { EngineUsage } from '../../engines/engine-adapter.port';
import type { ServiceError } from '../../errors/service-error';
import type { Spend } from '../../sessions/session-store.port';
import { Clock } from '../../time/clock';
import { TaskAccounts } from '../accounts/task-accounts';
import type { LiveTask } from '../live/live-task';
import { LiveTasks, type EndClaim } from '../live/live-tasks';
import { TaskQueue } from '../queue/task-queue.port';
import { EventLog } from '../stream/event-log.port';
import { endEvent, errorEvent, metricsEvent } from '../stream/task-events';
import type { EndState, TaskEnding, TaskEvent, TaskUsage } from '../task';
import { transcriptOf } from '../transcript/transcript';
import { EndingLedger } from './ending-ledger';
import { TaskReporter } from './task-reporter';

/** How a task is to end. */
export type Outcome =
  | { readonly state: 'completed'; readonly usage: EngineUsage }
  | {
      readonly state: Exclude<EndState, 'completed'>;
      readonly error: ServiceError;
      /** For a cancelled task: who wanted it. */
      readonly reason?: 'client' | 'disconnect';
    };

/** An eviction that waits for the admission it makes room for: carried out, or taken back. */
export interface Eviction {
  readonly ending: TaskEnding;
  /** The admission is durable, and this ending with it. */
  carryOut(): Promise<void>;
  /** The admission failed: the task stands where it stood. */
  takeBack(): Promise<void>;
}

/**
 * Ends tasks: the only code that does. Whoever comes first ends a task; its terminal event is seen only after journal and
 * transcript hold it (see {@link EndingLedger} for when storage fails), and whatever it held is free by then.
 */
@Injectable()
export class Finisher {
  constructor(
    private readonly live: LiveTasks,
    private readonly queue: TaskQueue,
    private readonly log: EventLog,
    private readonly accounts: TaskAccounts,
    private readonly ledger: EndingLedger,
    private readonly reporter: TaskReporter,
    private readonly clock: Clock,
  ) {}

  /** False when somebody else ends or has ended the task; {@link LiveTask.ending} tells when that is through. */
  async finish(task: LiveTask, outcome: Outcome): Promise<boolean> {
    const claim = this.live.claimEnd(task);
    if (!claim) return false;
    try {
      await this.stop(task);
      await this.conclude(task, claim, outcome);
    } catch (cause) {
      // A fault of ours: the claim must not stand in the way of another ending, or a cancel would wait for ever.
      claim.takeBack();
      throw cause;
    }
    return true;
  }

  /** Claims a task that just lost its place in the queue; undefined when somebody else ends it already. */
  async evict(task: LiveTask, error: ServiceError): Promise<Eviction | undefined> {
    const claim = this.live.claimEnd(task);
    if (!claim) return undefined;
    const outcome: Outcome = { state: 'dropped', error };
    const last = [errorEvent(error)];
    const ending = await this.endingOf(task, outcome, usageOf(task, outcome, this.clock.nowMs()), last);
    return {
      ending,
      carryOut: async () => {
        await this.stop(task);
        await this.accounts.settle(task.spec, ending.usage, false);
        this.publish(task, claim, ending, outcome, last);
      },
      takeBack: async () => {
        claim.takeBack();
        await this.queue.restore(task.entry);
      },
    };
  }

  /** Everything the task holds is free after this: its place in the queue, its slot, its alarms. */
  private async stop(task: LiveTask): Promise<void> {
    task.run?.unsubscribe();
    task.deadline?.cancel();
    task.retry?.cancel();
    task.detach?.cancel();
    if (task.state === 'queued') await this.queue.remove(task.id);
  }

  private async conclude(task: LiveTask, claim: EndClaim, outcome: Outcome): Promise<void> {
    const measured = usageOf(task, outcome, this.clock.nowMs());
    const usage = { ...measured, cost: this.accounts.costOf(measured.tokensOut) };
    const settled = await this.accounts.settle(task.spec, usage, outcome.state === 'completed');
    const last = await this.lastEvents(task, outcome, usage, settled.remaining);
    const ending = await this.endingOf(task, outcome, usage, last);
    await this.ledger.record(ending, settled.session);
    this.publish(task, claim, ending, outcome, last);
  }

  /** The ending is as durable as it gets: now everybody may see it. */
  private publish(
    task: LiveTask,
    claim: EndClaim,
    ending: TaskEnding,
    outcome: Outcome,
    last: readonly TaskEvent[],
  ): void {
    this.log.append(task.id, last);
    this.log.seal(task.id);
    this.reporter.ended(task.spec, ending, outcome.state === 'completed' ? '' : (outcome.reason ?? 'client'));
    claim.done();
  }

  private async lastEvents(task: LiveTask, outcome: Outcome, usage: TaskUsage, remaining: Spend): Promise<TaskEvent[]> {
    if (outcome.state !== 'completed') return [errorEvent(outcome.error, task.terminalSeq)];
    const depth = this.queue.depth();
    const metrics = metricsEvent(
      {
        queue_depth: depth.interactive + depth.batch,
        on_time_probability: 1,
        kv_warmth: task.warm ? 1 : 0,
        tokens_out: usage.tokensOut,
        tokens_budget_remaining: remaining.tokens,
        time_budget_remaining_ms: remaining.timeMs,
        cost_budget_remaining: remaining.cost,
      },
      `All ${usage.tokensOut} tokens are there.`,
      task.facts.preparation,
    );
    const { finishReason, model, tokensIn } = outcome.usage;
    const decodeMs = Math.round(usage.decodeMs);
    const end = endEvent({
      tokens_out: usage.tokensOut,
      ...(tokensIn !== undefined && { tokens_in: tokensIn }),
      decode_time_ms: decodeMs,
      decode_ms: decodeMs,
      finish_reason: finishReason,
      ...(model !== undefined && { model }),
    });
    return [metrics, end];
  }

  /** The record of an ending whose transcript is stored already. */
  private async endingOf(
    task: LiveTask,
    outcome: Outcome,
    usage: TaskUsage,
    last: readonly TaskEvent[],
  ): Promise<TaskEnding> {
    const failed = outcome.state === 'completed' ? undefined : outcome.error;
    const ending: TaskEnding = {
      taskId: task.id,
      state: outcome.state,
      ...(failed && { code: failed.code, message: failed.message }),
      endedAtMs: this.clock.wallMs(),
      usage,
      ...(task.placement && { placement: task.placement }),
      attempts: task.attempts,
      ...(task.startedAtMs !== undefined && { startedAtMs: task.startedAtMs }),
    };
    const transcript = await transcriptOf([...(await this.log.events(task.id)), ...last]);
    return this.ledger.withTranscript(ending, transcript);
  }
}

/** By the engine's count where it gave one; otherwise what was seen, and the time since its attempt began. */
function usageOf(task: LiveTask, outcome: Outcome, nowMs: number): TaskUsage {
  const elapsedMs = task.runningSinceMs === undefined ? 0 : nowMs - task.runningSinceMs;
  if (outcome.state !== 'completed') return { tokensIn: 0, tokensOut: task.tokens, decodeMs: elapsedMs, cost: 0 };
  const { tokensIn = 0, tokensOut, decodeMs = elapsedMs } = outcome.usage;
  return { tokensIn, tokensOut, decodeMs, cost: 0 };
}
