import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiOf } from '../documents/api-of-path';
import type { MeasuredResponse } from './measured-response';

/** Answers of other APIs carry the request's id under the name that their clients look for; OpenAI's also the time that they took. */
export function markApi(request: FastifyRequest, reply: FastifyReply): void {
  switch (apiOf(request.url)) {
    case 'own':
    case 'ollama':
      return;
    case 'openai':
      void reply.header('X-Request-Id', request.id);
      (reply.raw as MeasuredResponse).tellsTime = true;
      return;
    case 'anthropic':
      void reply.header('Request-Id', request.id);
  }
}
