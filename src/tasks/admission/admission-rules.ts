import { Injectable } from '@nestjs/common';
import { CatalogService } from '../../catalog/catalog.service';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Lifecycle } from '../../meta/lifecycle';
import { PlacementService, type Assessment } from '../../pools/placement.service';
import type { PreparationStep, TaskSpec } from '../task';

const RETRY_UNAVAILABLE_MS = 5000;

/** What must hold before a task is even offered to the queue. */
@Injectable()
export class AdmissionRules {
  constructor(
    private readonly config: Config,
    private readonly lifecycle: Lifecycle,
    private readonly catalog: CatalogService,
    private readonly placement: PlacementService,
  ) {}

  /** @throws ServiceError NOT_READY or SHUTTING_DOWN while nothing can be admitted */
  assertOpen(): void {
    this.lifecycle.assertReady();
  }

  /**
   * Looks at the places that could run the task.
   * @throws ServiceError MODEL_RETIRED, MODEL_UNVERIFIED, or POOL_UNAVAILABLE (a draining pin; a model that nobody has)
   */
  async assess({ constraints }: TaskSpec): Promise<Assessment> {
    const { modelRef, pinPoolId } = constraints;
    if (modelRef !== undefined) {
      const admissible = await this.catalog.admissible(modelRef);
      if (!admissible.ok) throw new ServiceError(admissible.code, { field: 'model_ref' });
    }
    const assessment = await this.placement.assess(constraints);
    if (assessment.verdict === 'draining' || assessment.verdict === 'no-model')
      this.placement.countRefusal(constraints, assessment);
    if (assessment.verdict === 'draining') {
      const message = `pool ${pinPoolId ?? ''} is draining`;
      throw new ServiceError('POOL_UNAVAILABLE', {
        field: 'placement.pin_pool_id',
        message,
        retryAfterMs: RETRY_UNAVAILABLE_MS,
      });
    }
    if (assessment.verdict === 'no-model') {
      const known = assessment.models.slice(0, 20).join(', ');
      const message = `no pool has the model ${modelRef ?? ''}; there are: ${known}`;
      throw new ServiceError('POOL_UNAVAILABLE', { field: 'model_ref', message, retryAfterMs: RETRY_UNAVAILABLE_MS });
    }
    return assessment;
  }

  /** What has to happen before the task can start; empty where nothing must. */
  preparation({ constraints }: TaskSpec, { verdict, needsLoad }: Assessment): readonly PreparationStep[] {
    const steps: PreparationStep[] = [];
    const mustWait = verdict === 'waiting' || (verdict === 'not-ready' && this.config.fallback === 'wait');
    if (mustWait) steps.push({ kind: 'pool_warmup', detail: 'no pool that may run this task is ready yet' });
    if (needsLoad) steps.push({ kind: 'model_load', detail: constraints.modelRef ?? '' });
    return steps;
  }
}
