import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { TurnEnd } from '../../time/turn-end';
import { EnvelopeFilter } from '../answers/envelope.filter';

/** Answers a request; what it resolves to, where that is anything, is sent. */
export type DirectHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** At most so many requests of a route wait for each other: more are no quicker together, and the first would wait for the last. */
const TOGETHER_MAX = 64;

type Answer = (request: FastifyRequest, reply: FastifyReply) => void;

/** As Fastify's content type parsers do. */
export type ReadJson = (
  request: FastifyRequest,
  payload: IncomingMessage,
  done: (refusal: Error | null, body?: unknown) => void,
) => void;

/** `POST /v2/tasks`: as the router has it. */
type Route = `${'GET' | 'POST'} /${string}`;

/**
 * Routes whose handlers Fastify calls itself. Nest's way to a handler (guards, interceptors, pipes, each in promises and observables
 * of its own) costs more than all that is done to admit a task, and leaves a hundred kilobytes of garbage. Nothing of a request is
 * lost by it: the gate has judged the caller already (see request-gate.ts), the handler validates by the same functions as the pipe,
 * and what it throws is answered by the same filter. The decorated method stays what the OpenAPI document tells of.
 *
 * A request that has passed the gate is answered within the last hook there: what Fastify does after it (an async context for a
 * parser that needs none, hooks that nobody has installed) is a twentieth of the CPU of a task. Where its body is in anything but plain
 * `application/json` it goes all the way, and is refused there as everywhere.
 */
@Injectable()
export class DirectRoutes {
  private readonly handlers = new Map<string, DirectHandler>();
  private readonly unseen = new Set<string>();

  constructor(
    private readonly filter: EnvelopeFilter,
    private readonly turnEnd: TurnEnd,
  ) {}

  /** Before routes are added: in the constructor of the controller. */
  serve(route: Route, handler: DirectHandler): void {
    this.handlers.set(route, handler);
    this.unseen.add(route);
  }

  /** Before routes are added. A start fails where a direct route is not there: its path was changed in one place alone. */
  install(fastify: FastifyInstance, readJson: ReadJson): void {
    fastify.addHook('onRoute', route => {
      const name = `${String(route.method)} ${route.url}`;
      const handler = this.handlers.get(name);
      if (!handler) return;
      this.unseen.delete(name);
      const answer = this.together(handler);
      route.handler = answer;
      route.onRequest = [route.onRequest ?? []].flat().concat(this.shortcut(answer, readJson));
    });
    fastify.addHook('onReady', done => {
      const [missing] = this.unseen;
      done(missing === undefined ? undefined : new Error(`there is no route ${missing} to be served directly`));
    });
  }

  private shortcut(answer: Answer, readJson: ReadJson): onRequestHookHandler {
    return (request, reply, done) => {
      if (request.method === 'GET') return answer(request, reply);
      if (request.headers['content-type'] !== 'application/json') return done();
      readJson(request, request.raw, (refusal, body) => {
        if (refusal) return this.refuse(refusal, request, reply);
        request.body = body;
        answer(request, reply);
      });
    };
  }

  /**
   * What came in one turn of the event loop is handled at its end, request after request, so that each step finds its code and data in the
   * caches. See docs/decisions, "What came in one turn is handled together". One that may take long has a turn of its own already: beside others
   * it would hold up the loop for as long as all of them.
   */
  private together(handler: DirectHandler): Answer {
    let waiting: (readonly [FastifyRequest, FastifyReply])[] = [];
    const answerAll = (): void => {
      const due = waiting;
      waiting = [];
      for (const [request, reply] of due) void this.answer(handler, request, reply);
    };
    return (request, reply) => {
      if (request.hasOwnTurn) return void this.answer(handler, request, reply);
      const count = waiting.push([request, reply]);
      if (count === 1) this.turnEnd.do(answerAll);
      else if (count === TOGETHER_MAX) answerAll();
    };
  }

  /** The client may go on sending what nobody reads. */
  private refuse(refusal: Error, request: FastifyRequest, reply: FastifyReply): void {
    this.filter.answer(refusal, request, reply.header('connection', 'close'));
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
