import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config';
import type { HttpFigures } from '../observability/http-figures';
import type { ApiKeys } from './access/api-keys';
import type { Audit } from './logging/audit';
import { correlationIdOf } from './access/caller';
import { EarlyAnswers } from './answers/early-answers';
import { fromThrown, sendError } from './answers/envelope.filter';
import { markApi, MeasuredResponse } from './answers/measured-response';
import { RequestBodies } from './bodies/request-bodies';
import type { DirectRoutes } from './routes/direct-routes';
import { RequestGate } from './request-gate';
import { answerConnect, answerUnreadable } from './answers/socket-answers';

declare module 'fastify' {
  interface FastifyInstance {
    figures: HttpFigures;
  }
}

/** Longer than the keep-alive of common load balancers, so that the balancer is the one to close. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** For answers that are on their way when the service closes. */
const CLOSE_GRACE_MS = 2000;
const MAX_HEADER_BYTES = 16 * 1024;
/**
 * Characters of one path parameter, as it stands in the URL; a longer one is answered 414 before anything looks at it. The longest
 * id is a model's, 256 characters, each of which may come percent-encoded as three: 768, with room to say why it is wrong.
 */
const MAX_PARAM_LENGTH = 1024;

/** The Fastify server below Nest: limits, time-outs, and an answer of our own for what never reaches a route. */
export function createHttpAdapter(): FastifyAdapter {
  return new FastifyAdapter({
    genReqId: (request: IncomingMessage) => correlationIdOf(request.headers),
    requestIdHeader: false,
    exposeHeadRoutes: true,
    forceCloseConnections: 'idle',
    // Fastify's own refusal has no correlation id; the gate has one.
    return503OnClosing: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      ServerResponse: MeasuredResponse,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 2_000,
      // Likewise Node's own refusal.
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      void reply.header('X-Correlation-Id', request.id);
      markApi(request, reply);
      // It has passed no gate.
      (reply.raw as MeasuredResponse).figures = reply.server.figures.unmatched(request.method);
      sendError(reply, fromThrown(error));
    },
    clientErrorHandler: answerUnreadable,
  });
}

/** What every request passes: the gate before its body is read, and the reading of it. Before any route is added. */
export function installHooks(
  fastify: FastifyInstance,
  config: Config,
  keys: ApiKeys,
  figures: HttpFigures,
  audit: Audit,
  directRoutes: DirectRoutes,
): void {
  const gate = new RequestGate(fastify, config, keys, figures, audit);
  const bodies = new RequestBodies(config);
  const earlyAnswers = new EarlyAnswers();
  // Declared with values of the right shape, so that all requests share one hidden class; each sets its own.
  fastify.decorateRequest('caller', null as never);
  fastify.decorateRequest('response', null as never);
  fastify.decorateRequest('hasOwnTurn', false);
  fastify.decorate('earlyAnswers', earlyAnswers);
  fastify.decorate('figures', figures);
  answerOddRequests(fastify, gate);

  directRoutes.install(fastify, bodies.parse);
  fastify.addHook('onRequest', gate.check);
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', bodies.parse);
  fastify.addContentTypeParser('multipart/form-data', bodies.passForm);
  fastify.setReplySerializer(payload => `${JSON.stringify(payload)}\n`);
  fastify.addHook('preClose', done => {
    gate.close();
    earlyAnswers.stop();
    bodies.stop();
    closeConnections(fastify);
    done();
  });
}

/**
 * Node waits for every connection that has not ended a request, however little of one has come on it, and after the server was told to
 * close it times none of them out any more: one client that says nothing would keep the service from stopping.
 */
function closeConnections({ server }: FastifyInstance): void {
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  server.once('close', () => clearTimeout(timer));
}

/** Requests that Node would answer by itself, or not at all. */
function answerOddRequests({ server }: FastifyInstance, gate: RequestGate): void {
  // A client that closes its side when it has sent its request still reads: `socket.end()` is how some say that this was all.
  (server as typeof server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  const pass = (request: IncomingMessage, response: ServerResponse): boolean =>
    server.emit('request', request, response);
  // An `Expect` that nobody knows may be passed over.
  server.on('checkExpectation', pass);
  // Leave to send a body is given where the body is read.
  server.on('checkContinue', pass);
  server.on('connect', (request: IncomingMessage, socket: Socket) =>
    answerConnect(request, socket, correlationId => gate.refusalOfStray(request, correlationId)),
  );
}
