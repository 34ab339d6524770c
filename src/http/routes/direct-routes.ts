import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { EnvelopeFilter } from '../answers/envelope.filter';

/** Answers a request; what it resolves to, where that is anything, is sent. */
export type DirectHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** `POST /v2/tasks`: as the router has it. */
type Route = `${'GET' | 'POST'} /${string}`;

/**
 * Routes whose handlers Fastify calls itself. Nest's way to a handler (guards, interceptors, pipes, each in promises and observables
 * of its own) costs more than all that is done to admit a task, and leaves a hundred kilobytes of garbage. Nothing of a request is
 * lost by it: the gate has judged the caller already (see request-gate.ts), the handler validates by the same functions as the pipe,
 * and what it throws is answered by the same filter. The decorated method stays what the OpenAPI document tells of.
 */
@Injectable()
export class DirectRoutes {
  private readonly handlers = new Map<string, DirectHandler>();
  private readonly unseen = new Set<string>();

  constructor(private readonly filter: EnvelopeFilter) {}

  /** Before routes are added: in the constructor of the controller. */
  serve(route: Route, handler: DirectHandler): void {
    this.handlers.set(route, handler);
    this.unseen.add(route);
  }

  /** Before routes are added. A start fails where a direct route is not there: its path was changed in one place alone. */
  install(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', route => {
      const name = `${String(route.method)} ${route.url}`;
      const handler = this.handlers.get(name);
      if (!handler) return;
      this.unseen.delete(name);
      route.handler = (request, reply) => void this.answer(handler, request, reply);
    });
    fastify.addHook('onReady', done => {
      const [missing] = this.unseen;
      done(missing === undefined ? undefined : new Error(`there is no route ${missing} to be served directly`));
    });
  }

  /** Never rejects. */
  private async answer(handler: DirectHandler, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    try {
      const payload = await handler(request, reply);
      if (payload !== undefined) void reply.send(payload);
    } catch (thrown) {
      this.filter.answer(thrown, request, reply);
    }
  }
}
