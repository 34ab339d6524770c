import type { Operation } from '../../engines/engine-adapter.port';
import { flagIn, invalid, isNothing, type Members } from '../../json/members';
import { factsFor } from '../../openai/answers/answer-facts';
import type { EventSum } from '../../openai/answers/rendering';
import { WholeAnswer } from '../../openai/answers/whole-answer';
import { toOpenaiRequest, type OpenaiRequest } from '../../openai/requests/openai-request';
import { responseIdOf } from '../../responses/answers/response-facts';
import { WholeResponse } from '../../responses/answers/whole-response';
import { toChat, toResponseRequest } from '../../responses/requests/response-request';
import type { Clock } from '../../time/clock';
import type { BatchEndpoint } from '../lines/request-line';

/** What a line's task is to do, and how what it puts out becomes the answer. */
export interface LineWish {
  readonly request: OpenaiRequest;
  sumFor(taskId: string, clock: Clock): EventSum;
}

const operations: Readonly<Record<Exclude<BatchEndpoint, '/v1/responses'>, Operation>> = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completion',
  '/v1/embeddings': 'embedding',
};

/** @throws ServiceError INVALID_PARAMS, as the endpoint itself; and for a stream, which no file can have */
export function wishOf(endpoint: BatchEndpoint, body: Members): LineWish {
  if (endpoint === '/v1/responses') return responseOf(body);
  const request = toOpenaiRequest(operations[endpoint], body);
  if (request.stream) throw invalid('stream', 'be false: the requests of a batch are answered as a whole');
  return {
    request,
    sumFor: (taskId, clock) => new WholeAnswer(factsFor(request, taskId, clock.wallMs()), request),
  };
}

/** A response of a batch is in its output file and kept nowhere else: it can be asked for, or followed up, no more than that file can. */
function responseOf(body: Members): LineWish {
  for (const name of ['stream', 'background'])
    if (flagIn(name, body[name])) throw invalid(name, 'be false: the requests of a batch are answered as a whole');
  if (!isNothing(body['conversation'])) throw invalid('conversation', 'be left out: lines stand by themselves');
  const sent = toResponseRequest({ ...body, store: false });
  if (sent.previousId !== undefined) throw invalid('previous_response_id', 'be left out: lines stand by themselves');
  return {
    request: toChat(sent, []),
    sumFor: (taskId, clock) =>
      new WholeResponse({ id: responseIdOf(taskId), taskId, createdAt: clock.wallSeconds(), asked: sent.asked }, clock),
  };
}
