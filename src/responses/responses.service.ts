import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { ServiceError } from '../errors/service-error';
import { closedSignal, whenClosed } from '../http/answers/when-closed';
import { invalid } from '../json/members';
import { Narrator } from '../observability/narrator';
import { TaskAnswers } from '../openai/answers/task-answers';
import { TaskEnds } from '../openai/answers/task-ends';
import { TaskEvents } from '../openai/answers/task-events.service';
import { OpenaiTasks, type TaskTerms } from '../openai/requests/openai-tasks';
import { PromptCounts } from '../openai/requests/prompt-counts';
import { workHeadersOf } from '../openai/requests/work-headers';
import { Canceller } from '../tasks/ending/canceller';
import { Clock } from '../time/clock';
import { replayOf } from './answers/response-replay';
import { responseIdOf, responseOf, unended } from './answers/response-facts';
import { NO_FRAMES, ResponseStream } from './answers/response-stream';
import { WholeResponse } from './answers/whole-response';
import { Conversations } from './records/conversations';
import { ResponseHistory } from './records/response-history';
import { ResponseKeeper } from './records/response-keeper';
import { ResponseRecords, unknownResponse } from './records/response-records';
import { identified, type StoredResponse } from './records/stored-response';
import { toChat, toResponseRequest, type ResponseRequest } from './requests/response-request';
import type { Item } from './requests/input-items';

/** Responses: each is a chat, and a task; one that is to be kept has a record beside it. */
@Injectable()
export class ResponsesService {
  constructor(
    private readonly tasks: OpenaiTasks,
    private readonly answers: TaskAnswers,
    private readonly events: TaskEvents,
    private readonly ends: TaskEnds,
    private readonly records: ResponseRecords,
    private readonly keeper: ResponseKeeper,
    private readonly history: ResponseHistory,
    private readonly conversations: Conversations,
    private readonly counts: PromptCounts,
    private readonly canceller: Canceller,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  /** Resolves to what is to be sent; to undefined where it was streamed, or nobody is there to read it. */
  async create(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const sent = toResponseRequest(request.body);
    const headers = workHeadersOf(request.headers);
    const taskId = uuidv7();
    const { admitted, response } = await this.inTurn(sent, taskId, async said => {
      const history = said ?? (await this.history.before(sent.previousId));
      const wanted = { ...sent, items: await this.history.resolved(sent.items, said) };
      const chat = toChat(wanted, history);
      return this.admit(begun(wanted, taskId, this.clock.wallSeconds()), wanted, terms =>
        this.tasks.submitFor(request, chat, headers, reply, terms),
      );
    });
    if (!sent.store) whenClosed(reply.raw, () => void this.leaveNothing(taskId));
    if (sent.background) {
      if (sent.stream) return this.answers.follow(taskId, new ResponseStream(response, this.clock), reply);
      return responseOf(response, unended('queued'));
    }
    if (sent.stream) return this.answers.stream(admitted, new ResponseStream(response, this.clock), reply);
    return this.answers.whole(admitted, new WholeResponse(response, this.clock), reply);
  }

  /** How many tokens would go in. @throws ServiceError as {@link PromptCounts.of} has it, and as {@link create} for what was said before */
  async count({ body }: FastifyRequest, reply: FastifyReply): Promise<object> {
    const sent = toResponseRequest(body);
    const { conversationId: id } = sent;
    const said = id === undefined ? undefined : (await this.conversations.settled(id, 'conversation')).items;
    const wanted = { ...sent, items: await this.history.resolved(sent.items, said) };
    const chat = toChat(wanted, said ?? (await this.history.before(sent.previousId)));
    const { tokens, isEstimated } = await this.counts.of(chat, closedSignal(reply.raw));
    if (isEstimated) void reply.header('X-Orchd-Estimated', 'true');
    return { object: 'response.input_tokens', input_tokens: tokens };
  }

  /** The response as it stands. @throws ServiceError RESPONSE_NOT_FOUND */
  async get(id: string): Promise<object> {
    return this.shown(await this.found(id));
  }

  /**
   * Streams it from its first event on, or from the one after `after`.
   * @throws ServiceError RESPONSE_NOT_FOUND
   */
  async follow(id: string, after: number | undefined, reply: FastifyReply): Promise<unknown> {
    const response = await this.found(id);
    try {
      return await this.answers.follow(response.taskId, new ResponseStream(response, this.clock, after), reply);
    } catch (thrown) {
      const isGone =
        thrown instanceof ServiceError && (thrown.code === 'TASK_NOT_FOUND' || thrown.code === 'TRANSCRIPT_GONE');
      if (!isGone || !response.end) throw thrown;
      return void reply
        .header('Content-Type', 'text/event-stream; charset=utf-8')
        .header('Cache-Control', 'no-cache, no-transform')
        .send(replayOf(response, response.end, after));
    }
  }

  /** Cancels one that runs in the background; one that has ended stays as it is. @throws ServiceError RESPONSE_NOT_FOUND */
  async cancel(id: string): Promise<object> {
    const response = await this.found(id);
    if (response.asked['background'] !== true)
      throw invalid('response_id', 'be a response that runs in the background');
    if (!response.end) {
      await this.canceller.cancel(response.taskId, 'client');
      // Of one that ran at another node it is seen here a little later.
      await this.ends.until(response.taskId);
    }
    return this.shown(await this.found(id));
  }

  /** Its output is gone with it, and its work ends. @throws ServiceError RESPONSE_NOT_FOUND */
  async remove(id: string): Promise<object> {
    const response = await this.found(id);
    await this.records.remove(id);
    this.keeper.unwatch(response.taskId);
    const { conversationId } = response;
    if (!response.end) {
      await this.canceller.cancel(response.taskId, 'client');
      if (conversationId !== undefined) await this.conversations.release(conversationId, id);
    }
    await this.events.forget(response.taskId);
    return { id, object: 'response', deleted: true };
  }

  /** All that went into it, what was said before too. @throws ServiceError RESPONSE_NOT_FOUND */
  async input(id: string): Promise<readonly Item[]> {
    const response = await this.found(id);
    const before = [await this.history.before(response.previousId), await this.history.talkBefore(response)];
    return [...before.flat(), ...response.items];
  }

  /** What was said in its conversation is told to what makes the response; where that is not made its turn is over. */
  private async inTurn<T>(
    sent: ResponseRequest,
    taskId: string,
    make: (said: readonly Item[] | undefined) => Promise<T>,
  ): Promise<T> {
    const conversation = await this.conversations.begin(sent, responseIdOf(taskId));
    try {
      return await make(conversation?.items);
    } catch (thrown) {
      if (conversation) await this.conversations.release(conversation.id, responseIdOf(taskId)).catch(() => undefined);
      throw thrown;
    }
  }

  private async admit<T>(
    response: StoredResponse,
    { store, background }: ResponseRequest,
    submit: (terms: TaskTerms) => Promise<T>,
  ): Promise<{ readonly admitted: T; readonly response: StoredResponse }> {
    if (store) this.keeper.watch(response);
    // One beside the other: neither is told of before both are durable.
    const [admitted, kept] = await Promise.allSettled([
      submit({ taskId: response.taskId, isNew: true, outlivesClient: background }),
      store ? this.records.begin(response) : undefined,
    ]);
    if (admitted.status === 'rejected') {
      this.keeper.unwatch(response.taskId);
      if (store) await this.records.remove(response.id).catch(() => undefined);
      throw admitted.reason;
    }
    if (kept.status === 'rejected') {
      this.keeper.unwatch(response.taskId);
      await this.canceller.cancel(response.taskId, 'disconnect');
      throw kept.reason;
    }
    return { admitted: admitted.value, response };
  }

  private async found(id: string): Promise<StoredResponse> {
    const response = await this.keeper.find(id);
    if (!response) throw unknownResponse(id);
    return response;
  }

  private async shown(response: StoredResponse): Promise<object> {
    const { end, completedAt = null } = response;
    if (end) return { ...responseOf(response, end), completed_at: completedAt };
    const stream = new ResponseStream(response, this.clock, NO_FRAMES);
    stream.opening();
    await this.events.each(response.taskId, event => stream.take(event));
    return stream.answer();
  }

  /** Of a response that is not to be stored: once its client has what it asked for, or has left. */
  private leaveNothing(taskId: string): Promise<void> {
    const cleared = async (): Promise<void> => {
      await this.canceller.cancel(taskId, 'disconnect');
      await this.events.forget(taskId);
    };
    const human =
      'The output of a response that is not to be stored could not be removed; it goes with the retention of transcripts.';
    return this.narrator.attend(cleared(), human, { event: 'response_left_behind', job_id: taskId });
  }
}

function begun(
  { asked, items, previousId, conversationId }: ResponseRequest,
  taskId: string,
  createdAt: number,
): StoredResponse {
  return {
    id: responseIdOf(taskId),
    taskId,
    createdAt,
    asked,
    items: identified(taskId, items),
    ...(previousId !== undefined && { previousId }),
    ...(conversationId !== undefined && { conversationId }),
  };
}
