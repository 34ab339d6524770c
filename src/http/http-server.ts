import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isLoopbackHost, type Config } from '../config/config';
import type { ErrorCode } from '../errors/catalogue';
import { toEnvelope } from '../errors/envelope';
import { ServiceError } from '../errors/service-error';
import type { ApiKeys } from './api-keys';
import { bearerToken, tokenIdentity } from './caller';
import { correlationIdOf } from './correlation';
import { fromThrown, sendError } from './envelope.filter';
import { parseJsonBody } from './json-body';
import { RouteMethods } from './route-methods';

/** Longer than the keep-alive of common load balancers, so that the balancer is the one to close. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
const MAX_HEADER_BYTES = 16 * 1024;
/**
 * Characters of one path parameter, as it stands in the URL; a longer one is answered 414 before anything looks at it. The longest
 * id is a model's, 256 characters, each of which may come percent-encoded as three: 768, with room to say why it is wrong.
 */
const MAX_PARAM_LENGTH = 1024;

/** The Fastify server below Nest: limits, time-outs, and an answer of our own for what never reaches a route. */
export function createHttpAdapter(config: Config): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: config.bodyLimitBytes,
    genReqId: (request: IncomingMessage) => correlationIdOf(request.headers),
    requestIdHeader: false,
    exposeHeadRoutes: true,
    forceCloseConnections: 'idle',
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: 2_000,
      // Node's own refusal has no correlation id; ours is in the hook below.
      requireHostHeader: false,
    },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      void reply.header('X-Correlation-Id', request.id);
      sendError(reply, fromThrown(error));
    },
    clientErrorHandler: answerUnreadableRequest,
  });
}

/**
 * Hooks that run before anything else of a request: its correlation id on the answer, who the caller is, and a refusal
 * before a byte of a stranger's body is read (also where there is no route, so that nobody can probe for them).
 */
export function installHooks(fastify: FastifyInstance, config: Config, keys: ApiKeys): void {
  const docsArePublic = isLoopbackHost(config.addr.host);
  // Declared with a value of the right shape, so that all requests share one hidden class; each sets its own.
  fastify.decorateRequest('caller', null as never);
  const routes = new RouteMethods(fastify);

  // Likewise for an `Expect` that nobody knows: it may be passed over.
  fastify.server.on('checkExpectation', (request, response) => fastify.server.emit('request', request, response));

  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('X-Correlation-Id', request.id);
    void reply.header('X-Content-Type-Options', 'nosniff');
    const token = bearerToken(request.headers.authorization);
    const refusal = keys.refusal(headerText(request.headers['x-api-key']));
    request.caller = { ...(refusal && { refusal }), ...(token !== undefined && { identity: tokenIdentity(token) }) };
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1')
      return done(new ServiceError('INVALID_PARAMS', { message: 'the Host header is required' }));
    if (keys.refusesHost(request.hostname)) return done(new ServiceError('HOST_NOT_ALLOWED'));
    const { url = '', config: route } = request.routeOptions;
    const open = route.public === true || (docsArePublic && isDocumentation(url));
    if (refusal && !open) return done(refusal);
    if (!request.is404 && !(request.method === 'HEAD' && route.getOnly)) return done();
    const allowed = routes.allowedAt(request.url);
    if (allowed.length === 0) return done();
    void reply.header('Allow', allowed.join(', '));
    if (request.method === 'OPTIONS') return void reply.status(204).send();
    const message = `${request.method} is not allowed here, only ${allowed.join(', ')}.`;
    done(new ServiceError('METHOD_NOT_ALLOWED', { message }));
  });

  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, parseJsonBody(text as string));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** By the route that matched, never by the path as it was sent. */
function isDocumentation(route: string): boolean {
  return route === '/openapi.json' || route === '/docs' || route.startsWith('/docs/');
}

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value;
}

/** Codes of Node's parser for requests that never became one. */
const unreadable: Readonly<Record<string, ErrorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
};

function answerUnreadableRequest(error: Error & { code?: string }, socket: Socket): void {
  // Into a response that has begun nothing else may be written: it would be read as a part of that.
  const { _httpMessage: current } = socket as Socket & { readonly _httpMessage?: ServerResponse | null };
  if (error.code === 'ECONNRESET' || !socket.writable || current?.headersSent) {
    socket.destroy();
    return;
  }
  const code = unreadable[error.code ?? ''];
  const fault = code
    ? new ServiceError(code)
    : new ServiceError('INVALID_PARAMS', { message: 'the request is not valid HTTP' });
  const correlationId = correlationIdOf({});
  const body = JSON.stringify(toEnvelope(fault, correlationId));
  socket.end(
    `HTTP/1.1 ${fault.status} Error\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `X-Correlation-Id: ${correlationId}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
