import type { FastifyReply, FastifyRequest } from 'fastify';
import { isOpenaiPath } from '../documents/openai-paths';
import type { MeasuredResponse } from './measured-response';

/** Answers of OpenAI's API carry the request's id under the name that its clients look for, and the time that they took. */
export function markOpenai(request: FastifyRequest, reply: FastifyReply): void {
  if (!isOpenaiPath(request.url)) return;
  void reply.header('X-Request-Id', request.id);
  (reply.raw as MeasuredResponse).tellsTime = true;
}
