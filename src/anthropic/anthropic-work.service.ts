import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TaskAnswers } from '../openai/answers/task-answers';
import { OpenaiTasks } from '../openai/requests/openai-tasks';
import { workHeadersOf } from '../openai/requests/work-headers';
import { messageFactsOf } from './answers/message-facts';
import { MessageStream } from './answers/message-stream';
import { MessageSum } from './answers/message-sum';
import { assertVersion } from './requests/anthropic-version';
import { toMessageRequest } from './requests/message-request';

/** Requests of Anthropic's Messages API: each is a chat, and its answer a rendering of what the chat puts out. */
@Injectable()
export class AnthropicWork {
  constructor(
    private readonly tasks: OpenaiTasks,
    private readonly answers: TaskAnswers,
  ) {}

  /** Resolves to what is to be sent; to undefined where it was streamed, or nobody is there to read it. */
  async answer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    assertVersion(request.headers);
    const wanted = toMessageRequest(request.body);
    const headers = workHeadersOf(request.headers);
    const admission = await this.tasks.submitFor(request, wanted.chat, headers, reply);
    const facts = messageFactsOf(wanted, admission);
    if (wanted.chat.stream) return this.answers.stream(admission, new MessageStream(facts, undefined), reply);
    return this.answers.whole(admission, new MessageSum(facts), reply);
  }
}
