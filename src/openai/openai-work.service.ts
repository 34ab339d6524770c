import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Operation } from '../engines/engine-adapter.port';
import { factsOf } from './answers/answer-facts';
import { Chunks } from './answers/chunks';
import { RateLimits } from './answers/rate-limits';
import { TaskAnswers } from './answers/task-answers';
import { SentAnswer } from './answers/sent-answer';
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
    const admission = await this.tasks.submitFor(request, wanted, headers, reply);
    void reply.headers(this.limits.of(admission));
    const stated = factsOf(wanted, admission);
    if (wanted.stream) return this.answers.stream(admission, new Chunks(stated, wanted), reply);
    return this.answers.whole(admission, new SentAnswer(stated, wanted), reply);
  }
}
