import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { PlacementService } from '../../pools/placement/placement.service';
import { AdmissionService, type Admission } from '../../tasks/admission/admission.service';
import type { TaskSpec } from '../../tasks/task/task';
import type { OpenaiRequest } from './openai-request';
import { ModelNames, unknownModel } from './model-names';
import type { WorkHeaders } from './work-headers';

/** Tokens that a task may generate whose client has set no bound, where its engine does not tell its context. */
const TOKENS_WHERE_UNKNOWN = 32_768;
/** An engine that went away may be back by then. */
const RETRY_UNAVAILABLE_MS = 5000;

/** Who sent a request, and under which id it is followed. */
export interface Sender {
  readonly correlationId: string;
  readonly identity?: string;
}

/** Makes tasks of requests of OpenAI's API: they are admitted, queued, budgeted and counted as every other. */
@Injectable()
export class OpenaiTasks {
  constructor(
    private readonly config: Config,
    private readonly models: ModelNames,
    private readonly placement: PlacementService,
    private readonly admission: AdmissionService,
  ) {}

  /**
   * @throws ServiceError MODEL_NOT_FOUND for a model that nobody knows, POOL_UNAVAILABLE for one that no live engine has, and
   *   whatever an admission may be refused with
   */
  async submit(request: OpenaiRequest, headers: WorkHeaders, sender: Sender): Promise<Admission> {
    const spec = this.specOf(request, headers, sender);
    await this.assertServed(request.model, spec);
    return this.admission.admit(spec, hash('sha256', spec.prompt, 'hex'), true);
  }

  /** A client of this API waits for an answer: one that no engine is there for gets it at once. */
  private async assertServed(model: string, { constraints }: TaskSpec): Promise<void> {
    const { verdict } = this.placement.assess(constraints);
    if (verdict === 'ready') return;
    if (!(await this.models.isKnown(model))) throw unknownModel(model);
    if (verdict !== 'no-model' && verdict !== 'not-ready' && verdict !== 'waiting') return;
    if (verdict === 'no-model' && constraints.pinPoolId === undefined && this.models.isReady(model)) {
      const message = `No engine that has the model \`${model}\` can do this: ${constraints.workload}.`;
      throw new ServiceError('INVALID_PARAMS', { field: 'model', message });
    }
    throw new ServiceError('POOL_UNAVAILABLE', {
      field: 'model',
      message: `No engine that has the model \`${model}\` is ready.`,
      retryAfterMs: RETRY_UNAVAILABLE_MS,
    });
  }

  private specOf(
    { operation, model, body, choices, maxTokens }: OpenaiRequest,
    { priority, sessionId, poolId, deadlineMs }: WorkHeaders,
    { correlationId, identity }: Sender,
  ): TaskSpec {
    const taskId = uuidv7();
    return {
      taskId,
      sessionId: sessionId ?? taskId,
      ownSession: sessionId === undefined,
      priority,
      constraints: {
        ...(poolId !== undefined && { pinPoolId: poolId }),
        preferPools: [],
        avoidPools: [],
        modelRef: model,
        workload: operation,
      },
      operation,
      prompt: JSON.stringify(body),
      maxTokens: this.boundOf(operation, model, choices, maxTokens),
      deadlineMs,
      sampling: {},
      onDisconnect: 'cancel',
      correlationId,
      ...(identity !== undefined && { identity }),
    };
  }

  private boundOf(
    operation: OpenaiRequest['operation'],
    model: string,
    choices: number,
    maxTokens: number | undefined,
  ): number {
    if (operation !== 'chat' && operation !== 'completion') return 1;
    if (maxTokens !== undefined) return choices * maxTokens;
    const open = choices * (this.models.contextOf(model) ?? TOKENS_WHERE_UNKNOWN);
    return Math.max(1, Math.min(open, this.config.sessionTokensBudget));
  }
}
