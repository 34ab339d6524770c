import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Operation } from '../engines/engine-adapter.port';
import { RateLimits } from './answers/rate-limits';
import { TaskAnswers } from './answers/task-answers';
import { toOpenaiRequest } from './requests/openai-request';
import { OpenaiTasks } from './requests/openai-tasks';
import { workHeadersOf } from './requests/work-headers';

/** Requests of OpenAI's API: each becomes a task, and its answer what the task puts out. */
@Injectable()
export class OpenaiWork {
  constructor(
    private readonly tasks: OpenaiTasks,
    private readonly answers: TaskAnswers,
    private readonly limits: RateLimits,
  ) {}

  /** Resolves to what is to be sent; to undefined where it was streamed, or nobody is there to read it. */
  async answer(operation: Operation, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const wanted = toOpenaiRequest(operation, request.body);
    const headers = workHeadersOf(request.headers);
    const { identity } = request.caller;
    const sender = { correlationId: request.id, ...(identity !== undefined && { identity }) };
    const admission = await this.tasks.submit(wanted, headers, sender);
    const { spec, facts } = admission;
    // On a refusal too, that comes from here on: the task can be looked up.
    void reply.headers({
      'X-Orchd-Task-Id': spec.taskId,
      'X-Orchd-Queue-Position': String(facts.queuePosition),
      'X-Orchd-Predicted-Start-Ms': String(facts.predictedStartMs),
    });
    void reply.headers(this.limits.of(admission));
    if (wanted.stream) return this.answers.stream(wanted, admission, reply);
    return this.answers.whole(wanted, admission, reply);
  }
}
