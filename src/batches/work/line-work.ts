import { Injectable } from '@nestjs/common';
import type { ErrorCode } from '../../errors/catalogue';
import { asServiceError, ServiceError } from '../../errors/service-error';
import { Lifecycle } from '../../lifecycle/lifecycle';
import type { EventSum } from '../../openai/answers/rendering';
import { TaskEnds } from '../../openai/answers/task-ends';
import { TaskEvents } from '../../openai/answers/task-events.service';
import { OpenaiTasks } from '../../openai/requests/openai-tasks';
import { Clock } from '../../time/clock';
import { OwnTurns } from '../../time/own-turns';
import type { FileLine } from '../lines/line-splitter';
import { isFault, requestLineOf, type LineFault, type RequestLine } from '../lines/request-line';
import type { LineResult } from '../results/result-line';
import type { Stop, StoredBatch } from '../batch/stored-batch';
import { wishOf, type LineWish } from './line-requests';
import { ModelSightings } from './model-sightings';

/** What is longer is parsed in a turn of its own. */
const AT_ONCE_BYTES = 32 * 1024;
const WAIT_MIN_MS = 100;
const WAIT_MAX_MS = 5000;
/** So often at most a line is run, where each time it was for nothing and nobody's fault. */
const RUNS_MAX = 5;
/** Of a task whose deadline is its batch's. */
const DEADLINE_SLACK_MS = 1000;

/** Refusals by which nobody has seen the model: it is not there, or could not be looked for. */
const saysNothingOfModels: ReadonlySet<ErrorCode> = new Set([
  'MODEL_NOT_FOUND',
  'STORAGE_UNAVAILABLE',
  'SHUTTING_DOWN',
]);

/**
 * What became of a line. `later`: nothing yet, and it is to be tried again after a while; for want of room, or where a model is named for what is so of lines
 * of that model alone: no engine has it now, or none comes to them in time.
 */
export type LineOutcome =
  | { readonly kind: 'done'; readonly customId: string; readonly taskId: string; readonly result: LineResult }
  | { readonly kind: 'later'; readonly afterMs: number; readonly model?: string };

/** What a run tells and is told of its lines. */
export interface LineContext {
  readonly batch: StoredBatch;
  readonly stop: Stop | undefined;
  /** A process before may have begun it. */
  readonly isResumed: boolean;
  /** By the monotonic clock, from when on its lines run here. */
  readonly fedSinceMs: number;
  /** By the monotonic clock, the end of its window. */
  readonly endsAtMs: number;
  /** Those of its lines that are submitted. */
  readonly tasks: Set<string>;
  /** It has its place in the queue, or was refused one. */
  settled(): void;
  /** Lines of this model need not wait: one has found it there and in time, or it is not waited for any more. */
  decided(model: string): void;
}

/**
 * Runs single lines, each as a task whose id is made of the batch's and the line's number: the same line is the same task. One that was for nothing is
 * followed by another, whose id has the number of the run too.
 */
@Injectable()
export class LineWork {
  private readonly turns = new OwnTurns();

  constructor(
    private readonly tasks: OpenaiTasks,
    private readonly events: TaskEvents,
    private readonly ends: TaskEnds,
    private readonly lifecycle: Lifecycle,
    private readonly models: ModelSightings,
    private readonly clock: Clock,
  ) {}

  /** The context is looked at again when the task has ended: its batch may have been stopped by then. Never rejects. */
  async run(line: FileLine, context: LineContext): Promise<LineOutcome> {
    if (line.bytes.length > AT_ONCE_BYTES) await this.turns.next();
    const request = requestLineOf(line.bytes, context.batch.endpoint);
    if (isFault(request)) return done('', taskIdOf(context.batch.id, line.number), failed(changed(request)));
    for (let run = 1; ; run++) {
      const taskId = taskIdOf(context.batch.id, line.number, run);
      context.tasks.add(taskId);
      const outcome = await this.runOnce(taskId, request, context).finally(() => context.tasks.delete(taskId));
      // Nobody has seen anything of it: so it is not the line's, but runs again.
      const isForNothing = outcome.kind === 'done' && wasForNothing(outcome.result);
      if (!isForNothing || context.stop || run === RUNS_MAX) return outcome;
    }
  }

  private async runOnce(taskId: string, request: RequestLine, context: LineContext): Promise<LineOutcome> {
    try {
      return await this.ran(taskId, request, context);
    } catch (thrown) {
      const error = asServiceError(thrown);
      // What the service or its storage could not do now says nothing of the line: what its task has put out is read again later.
      if (!this.lifecycle.isReady || error.code === 'STORAGE_UNAVAILABLE')
        return { kind: 'later', afterMs: WAIT_MAX_MS };
      return done(request.customId, taskId, failed(error.code === 'TASK_NOT_FOUND' ? lost : error));
    }
  }

  private async ran(taskId: string, { customId, body }: RequestLine, context: LineContext): Promise<LineOutcome> {
    const wish = wishOf(context.batch.endpoint, body);
    const known = context.isResumed ? await this.endedBefore(taskId, wish) : undefined;
    if (known) return done(customId, taskId, this.inView(context, known));
    const refusal = await this.submit(taskId, wish, context);
    const { model } = wish.request;
    if (!refusal || !saysNothingOfModels.has(refusal.code)) this.models.seen(model);
    if (refusal && this.waitsForModel(refusal, wish, context))
      return { kind: 'later', afterMs: waitOf(refusal), model };
    context.decided(model);
    context.settled();
    if (refusal?.retriable) return { kind: 'later', afterMs: waitOf(refusal) };
    if (refusal) return done(customId, taskId, failed(refusal));
    await this.ends.until(taskId);
    // A line may have run for longer than a model is waited for.
    this.models.seen(model);
    const result = await this.resultOf(taskId, wish);
    return done(customId, taskId, this.inView(context, result ?? failed(lost)));
  }

  /** It is refused for a model that no live engine has now, or none at all, and that was there or is to be expected; or by when one would come to it. */
  private waitsForModel(
    { code }: ServiceError,
    { request }: LineWish,
    { isResumed, fedSinceMs }: LineContext,
  ): boolean {
    // That it would start after its batch's end is a forecast: it is tried until that end, and says then that it came too late.
    if (code === 'POOL_UNAVAILABLE' || code === 'DEADLINE_UNMET') return true;
    if (code !== 'MODEL_NOT_FOUND') return false;
    return this.models.isAwaited(request.model, isResumed ? fedSinceMs : undefined);
  }

  private async submit(
    taskId: string,
    { request }: LineWish,
    { batch, endsAtMs }: LineContext,
  ): Promise<ServiceError | undefined> {
    const { correlationId, identity } = batch;
    const deadlineMs = Math.max(1, Math.ceil(endsAtMs - this.clock.nowMs()));
    const sender = { correlationId, ...(identity !== undefined && { identity }) };
    try {
      const terms = { taskId, isNew: false, outlivesClient: true, isWithheld: true };
      await this.tasks.submit(request, { priority: 'batch', deadlineMs }, sender, terms);
      return undefined;
    } catch (thrown) {
      return asServiceError(thrown);
    }
  }

  private async endedBefore(taskId: string, wish: LineWish): Promise<LineResult | undefined> {
    try {
      return await this.resultOf(taskId, wish);
    } catch (thrown) {
      if (thrown instanceof ServiceError && thrown.code === 'TASK_NOT_FOUND') return undefined;
      throw thrown;
    }
  }

  /** Undefined where the task has not ended. @throws ServiceError where its events cannot be read */
  private async resultOf(taskId: string, wish: LineWish): Promise<LineResult | undefined> {
    const sum = wish.sumFor(taskId, this.clock);
    let hasEnded = false;
    let error: ServiceError | undefined;
    await this.events.each(taskId, event => {
      hasEnded ||= event.type === 'end' || event.type === 'error';
      error ??= errorIn(() => sum.take(event));
    });
    if (!hasEnded) return undefined;
    return error ? failed(error) : answered(sum);
  }

  /** A line that was ended with its batch says so. */
  private inView({ stop, endsAtMs }: LineContext, result: LineResult): LineResult {
    if (result.kind !== 'error') return result;
    const { code } = result.error;
    const isDeadline = code === 'DEADLINE_UNMET' || code === 'DECODE_TIMEOUT';
    if (stop && (code === 'CANCELLED' || isDeadline)) return { kind: 'stopped', reason: stop };
    const isOver = this.clock.nowMs() >= endsAtMs - DEADLINE_SLACK_MS;
    return isDeadline && isOver ? { kind: 'stopped', reason: 'expired' } : result;
  }
}

/** @param run beyond the first where what came before was for nothing */
function taskIdOf(batchId: string, line: number, run = 1): string {
  return run === 1 ? `${batchId}.${line}` : `${batchId}.${line}.${run}`;
}

/** Of a line, all tasks that there may be, in the order of its runs. */
export function taskIdsOf(batchId: string, line: number): readonly string[] {
  return Array.from({ length: RUNS_MAX }, (_, at) => taskIdOf(batchId, line, at + 1));
}

/**
 * Its node was gone, or its storage away, after it had run and before that was told: what it put out is nowhere. Or it waited until what was its batch's end
 * by the clock of another process.
 */
const forNothing: ReadonlySet<ErrorCode> = new Set(['ORCHESTRATOR_RESTARTED', 'STORAGE_UNAVAILABLE', 'DEADLINE_UNMET']);

function wasForNothing(result: LineResult): boolean {
  return result.kind === 'error' && forNothing.has(result.error.code);
}

const lost = new ServiceError('INTERNAL', { message: 'The output of this request is not there any more.' });

function changed({ message }: LineFault): ServiceError {
  return new ServiceError('INTERNAL', { message: `The file has changed since it was looked at: ${message}.` });
}

function errorIn(work: () => void): ServiceError | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    return asServiceError(thrown);
  }
}

function answered(sum: EventSum): LineResult {
  try {
    return { kind: 'answer', body: sum.answer() };
  } catch (thrown) {
    return failed(asServiceError(thrown));
  }
}

function failed(error: ServiceError): LineResult {
  return { kind: 'error', error };
}

function done(customId: string, taskId: string, result: LineResult): LineOutcome {
  return { kind: 'done', customId, taskId, result };
}

function waitOf({ details: { retryAfterMs = WAIT_MIN_MS } }: ServiceError): number {
  return Math.min(Math.max(retryAfterMs, WAIT_MIN_MS), WAIT_MAX_MS);
}
