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
import { SessionStore } from '../../sessions/session-store.port';
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
    private readonly sessions: SessionStore,
  ) {}

  /**
   * @throws ServiceError MODEL_NOT_FOUND for a model that nobody knows, POOL_UNAVAILABLE for one that no live engine has, and
   *   whatever an admission may be refused with
   */
  async submit(request: OpenaiRequest, headers: WorkHeaders, sender: Sender, terms?: TaskTerms): Promise<Admission> {
    const asked = constraintsOf(request, headers);
    const served = this.aliases.resolved(asked);
    await this.assertServed(request.model, served, headers.maxWaitMs);
    const { taskId, isNew, outlivesClient, isWithheld = false }: TaskTerms = terms ?? onceOnly();
    const { sessionId, priority } = wishesOf(headers, request.body);
    const bounded = await this.bounded(request, served, sessionId);
    const spec: TaskSpec = {
      ...{ taskId, sessionId: sessionId ?? taskId, ownSession: sessionId === undefined, priority },
      ...{ constraints: asked, operation: request.operation, prompt: JSON.stringify(bounded.body) },
      ...{ maxTokens: bounded.maxTokens, deadlineMs: headers.deadlineMs, sampling: {} },
      onDisconnect: outlivesClient ? 'continue' : 'end',
      ...(isWithheld && { isWithheld }),
      ...sender,
    };
    // Nobody can send an id again that was made here: there is nothing to compare.
    const requestHash = terms ? hash('sha256', JSON.stringify(request.body), 'hex') : '';
    const admission = await this.admission.admit(spec, requestHash, isNew);
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

  /**
   * What it may generate at most, over all choices. A client that leaves it open gets what the model's context has room for; where its
   * session may not generate as much any more, what is left to that, and the engine is told.
   */
  private async bounded(
    { operation, model, body, choices, maxTokens }: OpenaiRequest,
    { modelRef = model }: PlacementConstraints,
    sessionId: string | undefined,
  ): Promise<{ readonly maxTokens: number; readonly body: OpenaiRequest['body'] }> {
    if (operation === 'embedding') return { maxTokens: 1, body: packed(body) };
    if (!isText(operation)) return { maxTokens: 1, body };
    if (maxTokens !== undefined) return { maxTokens: choices * maxTokens, body };
    const open = choices * (this.models.contextOf(modelRef) ?? TOKENS_WHERE_UNKNOWN);
    if (sessionId === undefined) {
      return { maxTokens: Math.max(1, Math.min(open, this.config.sessionTokensBudget)), body };
    }
    const each = Math.floor((await this.sessions.open(sessionId)).remaining.tokens / choices);
    if (each * choices >= open || each < 1) return { maxTokens: open, body };
    return { maxTokens: each * choices, body: { ...body, max_tokens: each } };
  }
}

function onceOnly(): TaskTerms {
  return { taskId: uuidv7(), isNew: true, outlivesClient: false };
}

/** Inputs from which on embeddings travel in base64, a third of what they are in digits. */
const MANY_INPUTS = 32;

/** The answer has them in the format that was asked for all the same. */
function packed(body: OpenaiRequest['body']): OpenaiRequest['body'] {
  const { input } = body;
  const isMany = Array.isArray(input) && input.length > MANY_INPUTS && typeof input[0] !== 'number';
  return isMany ? { ...body, encoding_format: 'base64' } : body;
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
