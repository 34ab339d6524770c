import { Injectable } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { Config } from '../../config/config';
import type { EngineEvent, EngineRequest, EngineUsage } from '../../engines/engine-adapter.port';
import { asServiceError, type ServiceError } from '../../errors/service-error';
import type { Lease } from '../../pools/pool';
import { Clock } from '../../time/clock';
import { Finisher } from '../ending/finisher';
import { Backoff } from '../admission/backoff';
import { StartPredictor } from '../admission/start-predictor';
import type { LiveTask } from '../live/live-task';
import type { Placement, TaskSpec } from '../task';
import { OutputStage } from './output-stage';
import { Retries } from './retries';
import type { TaskOutput } from './task-output';

/** Runs tasks on leased slots: from the engine's request to the task's end or its return to the queue. */
@Injectable()
export class Attempts {
  constructor(
    private readonly config: Config,
    private readonly stage: OutputStage,
    private readonly finisher: Finisher,
    private readonly retries: Retries,
    private readonly predictor: StartPredictor,
    private readonly backoff: Backoff,
    private readonly clock: Clock,
  ) {}

  /**
   * Starts one attempt of a task in state `dispatching`. The lease is released when the attempt is over, however it ends.
   * @param standsIn the built-in engine answers in place of a pool: how long that takes says nothing of pools
   */
  start(task: LiveTask, lease: Lease, standsIn = false): void {
    this.backoff.departed();
    const { engine, engineVersion, poolId, replicaId } = lease;
    const placement: Placement = { engine, engineVersion, poolId, replicaId };
    const output = this.stage.outputOf(task, placement);
    task.attempts++;
    task.placement = placement;
    task.runningSinceMs = this.clock.nowMs();
    // Assigned before the engine is asked, for one that answers at once may end the task within the subscribe call.
    const run = new Subscription(() => lease.release());
    task.run = run;
    const over = (end: Promise<void>): void => {
      run.unsubscribe();
      // Whatever goes wrong from here on is a fault of ours, and the task must still end.
      end.catch((cause: unknown) => this.finisher.finish(task, { state: 'failed', error: asServiceError(cause) }));
    };
    const fail = (cause: unknown): void => over(this.failed(task, output, placement, asServiceError(cause).of(engine)));
    // Two plain subscriptions, for operators cost more a token than everything else that is done with it.
    run.add(lease.revoked$.subscribe(fail));
    run.add(
      lease.adapter.run(lease.target, requestOf(task.spec, this.config)).subscribe({
        next: batch => {
          lease.heard++;
          try {
            const usage = this.take(task, output, batch);
            if (usage) over(this.completed(task, output, usage, standsIn));
          } catch (cause) {
            fail(cause);
          }
        },
        error: fail,
      }),
    );
  }

  /** Shows a batch; the usage once the output is complete. */
  private take(task: LiveTask, output: TaskOutput, batch: readonly EngineEvent[]): EngineUsage | undefined {
    const tookAll = output.take(batch);
    // An engine that does not stop at max_tokens is stopped here, or its session would pay for more than it reserved.
    if (!tookAll) return { tokensOut: task.tokens, finishReason: 'length' };
    const last = batch.at(-1);
    return last?.kind === 'end' ? last.usage : undefined;
  }

  private async completed(task: LiveTask, output: TaskOutput, usage: EngineUsage, standsIn: boolean): Promise<void> {
    const tookMs = this.clock.nowMs() - (task.runningSinceMs ?? this.clock.nowMs());
    await output.settled();
    if (!standsIn) this.predictor.served(tookMs);
    await this.finisher.finish(task, { state: 'completed', usage });
  }

  private async failed(task: LiveTask, output: TaskOutput, placement: Placement, error: ServiceError): Promise<void> {
    if (!output.begun) return this.retries.takeBack(task, placement, error);
    await output.settled();
    await this.finisher.finish(task, { state: 'failed', error });
  }
}

function requestOf(spec: TaskSpec, config: Config): EngineRequest {
  const { modelRef } = spec.constraints;
  return {
    taskId: spec.taskId,
    correlationId: spec.correlationId,
    ...(modelRef !== undefined && { modelRef }),
    prompt: spec.prompt,
    maxTokens: spec.maxTokens,
    sampling: spec.sampling,
    firstTokenTimeoutMs: config.engineFirstTokenTimeoutMs,
    idleTimeoutMs: config.engineIdleTimeoutMs,
  };
}
