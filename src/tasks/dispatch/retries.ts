import { Injectable } from '@nestjs/common';
import type { ServiceError } from '../../errors/service-error';
import { Prober } from '../../pools/probing/prober';
import { Finisher } from '../ending/finisher';
import { TaskReporter } from '../ending/task-reporter';
import { TaskLedger, type Claim } from '../ledger/task-ledger.port';
import { ModelFaults } from './model-faults';
import { decideRetry, type RetryDecision } from './retry-policy';

/** Takes back a task whose attempt failed before any output: to its old place in the queue, or to its end. */
@Injectable()
export class Retries {
  constructor(
    private readonly ledger: TaskLedger,
    private readonly finisher: Finisher,
    private readonly prober: Prober,
    private readonly modelFaults: ModelFaults,
    private readonly reporter: TaskReporter,
  ) {}

  /** The engine's request is over. */
  async takeBack(claim: Claim, error: ServiceError): Promise<void> {
    const { poolId, replicaId } = claim.placement;
    this.prober.probeSoon(poolId, replicaId);
    const refusals = claim.refusals + (error.code === 'ENGINE_BUSY' ? 1 : 0);
    const isHopeless = await this.modelFaults.isHopeless(claim, error);
    const decision: RetryDecision = isHopeless
      ? { retry: false, error }
      : decideRetry(error, { attempts: claim.attempt, refusals });
    if (!decision.retry) {
      await this.finisher.end(claim, { state: 'failed', error: decision.error });
      return;
    }
    const { delayMs, elsewhereMs, avoidMs, counts } = decision;
    if (await this.ledger.requeue(claim, { failure: error, delayMs, elsewhereMs, avoidMs, counts }))
      this.reporter.retried(claim, error, delayMs);
  }
}
