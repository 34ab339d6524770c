import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { closedSignal } from '../http/answers/when-closed';
import { TaskAnswers } from '../openai/answers/task-answers';
import type { OpenaiRequest } from '../openai/requests/openai-request';
import { OpenaiTasks } from '../openai/requests/openai-tasks';
import { PromptCounts } from '../openai/requests/prompt-counts';
import { workHeadersOf } from '../openai/requests/work-headers';
import { messageFactsOf } from './answers/message-facts';
import { MessageStream } from './answers/message-stream';
import { MessageSum } from './answers/message-sum';
import { assertVersion } from './requests/anthropic-version';
import { toCountedRequest, toMessageRequest } from './requests/message-request';

/** Requests of Anthropic's Messages API: each is a chat, and its answer a rendering of what the chat puts out. */
@Injectable()
export class AnthropicWork {
  constructor(
    private readonly tasks: OpenaiTasks,
    private readonly answers: TaskAnswers,
    private readonly counts: PromptCounts,
  ) {}

  /** Resolves to what is to be sent; to undefined where it was streamed, or nobody is there to read it. */
  async answer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    assertVersion(request.headers);
    const wanted = toMessageRequest(request.body);
    const headers = workHeadersOf(request.headers);
    const read = wanted.chat.stream ? this.counted(wanted.chat, reply) : () => undefined;
    const admission = await this.tasks.submitFor(request, wanted.chat, headers, reply);
    const facts = messageFactsOf(wanted, admission);
    if (wanted.chat.stream) return this.answers.stream(admission, new MessageStream(facts, read), reply);
    return this.answers.whole(admission, new MessageSum(facts), reply);
  }

  /** @throws ServiceError as {@link PromptCounts.of} has it */
  async count(request: FastifyRequest, reply: FastifyReply): Promise<object> {
    assertVersion(request.headers);
    const chat = toCountedRequest(request.body);
    const { tokens, isEstimated } = await this.counts.of(chat, closedSignal(reply.raw));
    if (isEstimated) void reply.header('X-Orchd-Estimated', 'true');
    return { input_tokens: tokens };
  }

  /**
   * Counts while the message waits for its first output: clients look for the tokens of the prompt where a stream begins, and engines
   * tell them where it ends. A count that comes too late, or not at all, is not waited for.
   */
  private counted(chat: OpenaiRequest, reply: FastifyReply): () => number | undefined {
    let read: number | undefined;
    this.counts.of(chat, closedSignal(reply.raw)).then(
      ({ tokens, isEstimated }) => (read = isEstimated ? undefined : tokens),
      () => undefined,
    );
    return () => read;
  }
}
