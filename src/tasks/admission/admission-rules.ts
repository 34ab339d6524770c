import { Injectable } from '@nestjs/common';
import { CatalogService } from '../../catalog/catalog.service';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Lifecycle } from '../../lifecycle/lifecycle';
import { ModelAliases } from '../../pools/placement/model-aliases';
import { PlacementService, type Assessment } from '../../pools/placement/placement.service';
import { FallbackPolicy } from '../dispatch/fallback-policy';
import { TaskLedger, type Submission } from '../ledger/task-ledger.port';
import { StartForecasts } from '../prediction/start-forecasts';
import type { PreparationStep, TaskSpec } from '../task/task';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import { unservable } from './unservable';

/** What can be judged of a task without the ledger. */
@Injectable()
export class AdmissionRules {
  constructor(
    private readonly config: Config,
    private readonly lifecycle: Lifecycle,
    private readonly catalog: CatalogService,
    private readonly aliases: ModelAliases,
    private readonly placement: PlacementService,
    private readonly ledger: TaskLedger,
    private readonly forecasts: StartForecasts,
    private readonly fallback: FallbackPolicy,
  ) {}

  /** @throws ServiceError NOT_READY or SHUTTING_DOWN while nothing can be admitted */
  assertOpen(): void {
    this.lifecycle.assertReady();
  }

  /**
   * Looks at the candidates that could run the task.
   * @throws ServiceError MODEL_RETIRED, MODEL_UNVERIFIED, POOL_UNAVAILABLE (a draining pin; a model that nobody has, or could
   *   load), INVALID_PARAMS (a context that no slot has; no model named where one must be)
   */
  private async assess({ constraints, operation }: TaskSpec): Promise<Assessment> {
    const { modelRef } = constraints;
    if (modelRef !== undefined) {
      const admissible = await this.catalog.admissible(modelRef);
      if (!admissible.ok) throw new ServiceError(admissible.code, { field: 'model_ref' });
    }
    const found = this.placement.assess(constraints);
    // A plain completion waits for an engine of its kind, as it waits for one where none is bound.
    const waits = operation === undefined && found.verdict === 'no-workload';
    const assessment: Assessment = waits ? { ...found, verdict: 'not-ready' } : found;
    const refusal = unservable(constraints, assessment, this.modelRetryMs);
    if (!refusal) return assessment;
    this.placement.countRefusal(constraints, assessment);
    throw refusal;
  }

  /** After this a model that could not be loaded is sure to be tried again: it is forgiven with a probe. */
  private get modelRetryMs(): number {
    return this.config.modelRetryMs + this.config.probeIntervalMs;
  }

  /**
   * What the ledger is to admit, with the model that an alias stands for now: it stays so, whatever is bound later.
   * @throws ServiceError as {@link assess}; DEADLINE_UNMET for a task that, by what was measured, would start after its deadline
   */
  async judge(asked: TaskSpec, requestHash: string): Promise<Submission> {
    const constraints = this.aliases.resolved(asked.constraints);
    const spec = constraints === asked.constraints ? asked : { ...asked, constraints };
    const assessment = await this.assess(spec);
    const told = this.forecasts.tell(spec, {
      ahead: await this.ledger.ahead(spec.priority),
      overtakenForMs: spec.priority === 'batch' ? this.config.batchAgeingMs : 0,
      isHeldUp: assessment.needsLoad,
    });
    const { predictedStartMs, predictedStart } = told;
    const { earliestMs, latestMs, basis } = predictedStart;
    if (basis === 'measured' && earliestMs > spec.deadlineMs) {
      const message =
        `the task would start in ${earliestMs} to ${latestMs} ms, by the measured pace of the pools that it may use: ` +
        `after its deadline of ${spec.deadlineMs} ms`;
      throw new ServiceError('DEADLINE_UNMET', { field: 'deadline_ms', message });
    }
    const preparation = this.preparation(spec, assessment);
    return { spec, requestHash, predictedStartMs, predictedStart, preparation };
  }

  /** What was judged was admitted. */
  admitted(spec: TaskSpec): void {
    this.forecasts.admitted(spec);
  }

  /** What has to happen before the task can start; empty where nothing must. */
  private preparation({ constraints }: TaskSpec, { verdict, needsLoad }: Assessment): readonly PreparationStep[] {
    const steps: PreparationStep[] = [];
    const mustWait = verdict === 'waiting' || (verdict === 'not-ready' && this.fallback.for(constraints) === 'wait');
    if (mustWait) steps.push({ kind: 'pool_warmup', detail: this.whyNotReady(constraints) });
    if (needsLoad) {
      const [candidate] = this.placement.readyFor(constraints);
      steps.push({ kind: 'model_load', detail: candidate?.model ?? constraints.modelRef ?? '' });
    }
    return steps;
  }

  private whyNotReady({ pinPoolId }: PlacementConstraints): string {
    const isUnknown = pinPoolId !== undefined && !this.placement.knowsPool(pinPoolId);
    return isUnknown ? `there is no pool ${pinPoolId} yet` : 'no pool that may run this task is ready yet';
  }
}
