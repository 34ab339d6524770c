import { Injectable } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { Config } from '../../config/config';
import type { EngineEvent, EngineRequest, EngineUsage, Work } from '../../engines/engine-adapter.port';
import { asServiceError, ServiceError } from '../../errors/service-error';
import { Alarms } from '../../time/alarms';
import { Backoff } from '../queue/backoff';
import { Finisher } from '../ending/finisher';
import type { Claim } from '../ledger/task-ledger.port';
import type { Run } from '../prediction/runs';
import { StartForecasts } from '../prediction/start-forecasts';
import type { TaskSpec } from '../task/task';
import { OutputStage } from './output-stage';
import { Retries } from './retries';
import type { TaskOutput } from './task-output';

/** Runs claimed tasks: from the engine's request to the task's end or its return to the queue. */
@Injectable()
export class Attempts {
  constructor(
    private readonly config: Config,
    private readonly stage: OutputStage,
    private readonly finisher: Finisher,
    private readonly retries: Retries,
    private readonly forecasts: StartForecasts,
    private readonly backoff: Backoff,
    private readonly alarms: Alarms,
  ) {}

  /**
   * Starts one attempt. Its claim is given up when it is over, however it ends.
   * @param standsIn the built-in engine answers in place of a pool: how long that takes says nothing of pools
   */
  start(claim: Claim, standsIn = false): void {
    this.backoff.departed();
    const { lease, spec } = claim;
    const measured = standsIn ? undefined : this.forecasts.began(claim);
    // Made before the engine is asked, for one that answers at once may end the task within the subscribe call.
    const run = new Subscription();
    const over = (end: Promise<unknown>): void => {
      run.unsubscribe();
      // Whatever goes wrong from here on is a fault of ours, and the task must still end.
      end.catch((cause: unknown) => this.finisher.end(claim, { state: 'failed', error: asServiceError(cause) }));
    };
    const fail = (cause: unknown): void => over(this.failed(claim, output, asServiceError(cause).of(lease.engine)));
    const output = this.stage.outputOf(claim, fail);
    claim.onLost = () => run.unsubscribe();
    if (measured) run.add(() => this.forecasts.ended(measured));
    this.limitTime(claim, run, fail);
    // Two plain subscriptions, for operators cost more a token than everything else that is done with it.
    run.add(lease.revoked$.subscribe(fail));
    lease.atWork = true;
    run.add(
      lease.adapter.run(lease.target, requestOf(spec, lease.model, this.config)).subscribe({
        next: batch => {
          lease.heard++;
          try {
            const usage = take(claim, output, batch);
            if (measured && measured.firstOutputAtMs === undefined && output.begun)
              this.forecasts.showed(measured, claim.facts);
            if (!usage) return;
            lease.atWork = batch.at(-1)?.kind !== 'end';
            over(this.completed(claim, output, usage, measured));
          } catch (cause) {
            fail(cause);
          }
        },
        error: cause => {
          lease.atWork = isHungUpOn(cause);
          fail(cause);
        },
      }),
    );
  }

  /** The session's time may end before the task's deadline, which the ledger watches. */
  private limitTime(
    { timeLimitMs, claimedAtMs, deadlineAtMs }: Claim,
    run: Subscription,
    fail: (cause: unknown) => void,
  ): void {
    if (claimedAtMs + timeLimitMs >= deadlineAtMs) return;
    const alarm = this.alarms.at(claimedAtMs + timeLimitMs, () =>
      fail(new ServiceError('BUDGET_EXHAUSTED', { message: "The session's time budget is used up." })),
    );
    run.add(() => alarm.cancel());
  }

  /** @param measured undefined for a stand-in's attempt, which says nothing of pools */
  private async completed(
    claim: Claim,
    output: TaskOutput,
    usage: EngineUsage,
    measured: Run | undefined,
  ): Promise<void> {
    if (measured) this.forecasts.completed(measured, usage);
    await this.finisher.end(claim, { state: 'completed', usage }, output.close());
  }

  private async failed(claim: Claim, output: TaskOutput, error: ServiceError): Promise<void> {
    if (!output.begun) return this.retries.takeBack(claim, error);
    await this.finisher.end(claim, { state: 'failed', error }, output.close());
  }
}

/** Shows a batch; the usage once the output is complete. */
function take(claim: Claim, output: TaskOutput, batch: readonly EngineEvent[]): EngineUsage | undefined {
  const last = batch.at(-1);
  const usage = last?.kind === 'end' ? last.usage : undefined;
  const tookAll = output.take(batch, usage !== undefined);
  // An engine that does not stop at max_tokens is stopped here, or its session would pay for more than it reserved.
  return tookAll ? usage : { tokensOut: claim.shown.tokens, finishReason: 'length' };
}

/** The run failed by our hanging up; otherwise the engine refused it, or closed the connection, and is not at work on it. */
function isHungUpOn(cause: unknown): boolean {
  const { code } = asServiceError(cause);
  return code === 'DECODE_TIMEOUT' || code === 'ENGINE_PROTOCOL';
}

function requestOf(spec: TaskSpec, model: string | undefined, config: Config): EngineRequest {
  return {
    taskId: spec.taskId,
    correlationId: spec.correlationId,
    ...(model !== undefined && { model }),
    work: workOf(spec),
    priority: spec.priority,
    firstTokenTimeoutMs: config.engineFirstTokenTimeoutMs,
    idleTimeoutMs: config.engineIdleTimeoutMs,
  };
}

function workOf({ operation, prompt, maxTokens, sampling }: TaskSpec): Work {
  if (operation) return { operation, body: JSON.parse(prompt) as Work['body'] };
  const body = {
    prompt,
    max_tokens: maxTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    repeat_penalty: sampling.repeatPenalty,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    seed: sampling.seed,
    stop: sampling.stop,
  };
  return { operation: 'completion', body };
}
