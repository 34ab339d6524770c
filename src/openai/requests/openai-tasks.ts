import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { Config } from '../../config/config';
import { isText } from '../../engines/engine-adapter.port';
import { ServiceError } from '../../errors/service-error';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import { ModelAliases } from '../../pools/placement/model-aliases';
import { PlacementService } from '../../pools/placement/placement.service';
import { AdmissionService, type Admission } from '../../tasks/admission/admission.service';
import { Fallback } from '../../tasks/dispatch/fallback';
import { StartBounds } from '../../tasks/dispatch/start-bounds';
import type { TaskSpec } from '../../tasks/task/task';
import type { OpenaiRequest } from './openai-request';
import { ModelNames, unknownModel } from './model-names';
import type { WorkHeaders } from './work-headers';
import { wishesOf } from './work-wishes';

/** Tokens that a task may generate whose client has set no bound, where its engine does not tell its context. */
const TOKENS_WHERE_UNKNOWN = 32_768;
/** An engine that went away may be back by then. */
const RETRY_UNAVAILABLE_MS = 5000;

/** Who sent a request, and under which id it is followed. */
export interface Sender {
  readonly correlationId: string;
  readonly identity?: string;
}

/** What whoever makes a task of a request has decided of it. */
export interface TaskTerms {
  /** Made before, for what is kept under it; where it was submitted before it is the same task. */
  readonly taskId: string;
  readonly isNew: boolean;
  /** It goes on when its client leaves. */
  readonly outlivesClient: boolean;
  /** As {@link TaskSpec.isWithheld}. */
  readonly isWithheld?: boolean;
}

/** Makes tasks of requests of OpenAI's API: they are admitted, queued, budgeted and counted as every other. */
@Injectable()
export class OpenaiTasks {
  constructor(
    private readonly config: Config,
    private readonly models: ModelNames,
    private readonly aliases: ModelAliases,
    private readonly placement: PlacementService,
    private readonly admission: AdmissionService,
    private readonly fallback: Fallback,
    private readonly starts: StartBounds,
  ) {}

  /**
   * @throws ServiceError MODEL_NOT_FOUND for a model that nobody knows, POOL_UNAVAILABLE for one that no live engine has, and
   *   whatever an admission may be refused with
   */
  async submit(
    request: OpenaiRequest,
    headers: WorkHeaders,
    sender: Sender,
    terms: TaskTerms = { taskId: uuidv7(), isNew: true, outlivesClient: false },
  ): Promise<Admission> {
    const asked = constraintsOf(request, headers);
    const served = this.aliases.resolved(asked);
    await this.assertServed(request.model, served, headers.maxWaitMs);
    const spec = this.specOf(request, headers, sender, terms, asked, this.boundOf(request, served));
    const admission = await this.admission.admit(spec, hash('sha256', spec.prompt, 'hex'), terms.isNew);
    if (this.models.isStandIn(request.model, served)) await this.fallback.onStreamOpened(spec.taskId);
    if (headers.maxWaitMs !== undefined) await this.starts.bound(admission, headers.maxWaitMs);
    return admission;
  }

  /** The same for whoever sent a request: the answer's headers tell of the task, on a refusal too that comes from then on. */
  async submitFor(
    { caller: { identity }, id }: FastifyRequest,
    request: OpenaiRequest,
    headers: WorkHeaders,
    reply: FastifyReply,
    terms?: TaskTerms,
  ): Promise<Admission> {
    const sender = { correlationId: id, ...(identity !== undefined && { identity }) };
    const admission = await this.submit(request, headers, sender, terms);
    const { spec, facts } = admission;
    void reply.headers({
      'X-Orchd-Task-Id': spec.taskId,
      'X-Orchd-Queue-Position': String(facts.queuePosition),
      'X-Orchd-Predicted-Start-Ms': String(facts.predictedStartMs),
    });
    return admission;
  }

  /** A client of this API waits for an answer: one that no engine is there for gets it at once, unless it says that it waits. */
  private async assertServed(asked: string, constraints: PlacementConstraints, waitMs = 0): Promise<void> {
    const { verdict } = this.placement.assess(constraints);
    if (verdict === 'ready' || this.models.isStandIn(asked, constraints)) return;
    const { modelRef = asked, pinPoolId, workload } = constraints;
    if (!(await this.models.isKnown(asked))) throw unknownModel(asked);
    if (verdict !== 'no-model' && verdict !== 'not-ready' && verdict !== 'waiting') return;
    if (verdict !== 'no-model' && waitMs > 0) return;
    if (verdict === 'no-model' && pinPoolId === undefined && this.models.isReady(modelRef)) {
      const message = `No engine that has the model \`${asked}\` can do this: ${workload}.`;
      throw new ServiceError('INVALID_PARAMS', { field: 'model', message });
    }
    throw new ServiceError('POOL_UNAVAILABLE', {
      field: 'model',
      message: `No engine that has the model \`${asked}\` is ready.`,
      retryAfterMs: RETRY_UNAVAILABLE_MS,
    });
  }

  private specOf(
    { operation, body }: OpenaiRequest,
    headers: WorkHeaders,
    { correlationId, identity }: Sender,
    { taskId, outlivesClient, isWithheld = false }: TaskTerms,
    constraints: PlacementConstraints,
    maxTokens: number,
  ): TaskSpec {
    const { sessionId, priority } = wishesOf(headers, body);
    const { deadlineMs } = headers;
    return {
      taskId,
      sessionId: sessionId ?? taskId,
      ownSession: sessionId === undefined,
      priority,
      constraints,
      operation,
      prompt: JSON.stringify(body),
      maxTokens,
      deadlineMs,
      sampling: {},
      onDisconnect: outlivesClient ? 'continue' : 'cancel',
      ...(isWithheld && { isWithheld }),
      correlationId,
      ...(identity !== undefined && { identity }),
    };
  }

  private boundOf(
    { operation, model, choices, maxTokens }: OpenaiRequest,
    { modelRef = model }: PlacementConstraints,
  ): number {
    if (!isText(operation)) return 1;
    if (maxTokens !== undefined) return choices * maxTokens;
    const open = choices * (this.models.contextOf(modelRef) ?? TOKENS_WHERE_UNKNOWN);
    return Math.max(1, Math.min(open, this.config.sessionTokensBudget));
  }
}

/** With the model by the name that was asked for. */
function constraintsOf({ operation, model }: OpenaiRequest, { poolId }: WorkHeaders): PlacementConstraints {
  return {
    ...(poolId !== undefined && { pinPoolId: poolId }),
    preferPools: [],
    avoidPools: [],
    modelRef: model,
    workload: operation,
  };
}
