import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import { isLoopbackHost, type Config } from '../config/config';
import { ServiceError } from '../errors/service-error';
import type { HttpFigures, PathFigures } from '../observability/http-figures';
import type { ApiKeys } from './access/api-keys';
import type { Audit } from './logging/audit';
import { Cors } from './access/cors';
import { identityOf, type Caller } from './access/caller';
import { Callers } from './access/callers';
import { markApi, type MeasuredResponse } from './answers/measured-response';
import { closeWithConnection } from './answers/queued-answers';
import { RETRY_CLOSING_MS } from './bodies/request-bodies';
import { RouteMethods } from './routes/route-methods';
import { WorkerToken } from './access/worker-token';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request is answered with. */
    response: ServerResponse;
  }
  interface FastifyContextConfig {
    /** What is counted of the route's requests. */
    figures?: PathFigures;
  }
}

/**
 * Stands before everything else of a request: its correlation id on the answer, who the caller is, and whatever refuses it before
 * a byte of its body is read. A stranger is refused first, also where there is no route, so that nobody can probe for them.
 */
export class RequestGate {
  private readonly routes: RouteMethods;
  private readonly callers: Callers;
  private readonly workerToken: WorkerToken;
  private readonly docsArePublic: boolean;
  private readonly cors: Cors;
  private isClosing = false;

  /** Before any route is added. */
  constructor(
    fastify: FastifyInstance,
    config: Config,
    private readonly keys: ApiKeys,
    private readonly figures: HttpFigures,
    private readonly audit: Audit,
  ) {
    this.routes = new RouteMethods(fastify);
    fastify.addHook('onRoute', route => {
      route.config = { ...route.config, figures: figures.path(route.url) };
    });
    this.callers = new Callers(keys);
    this.workerToken = new WorkerToken(config.authToken);
    this.docsArePublic = isLoopbackHost(config.addr.host);
    this.cors = new Cors(config.corsOrigins);
  }

  /** An `onRequest` hook. */
  readonly check = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    void reply.header('X-Correlation-Id', request.id);
    void reply.header('X-Content-Type-Options', 'nosniff');
    request.response = reply.raw;
    closeWithConnection(reply.raw as MeasuredResponse);
    markApi(request, reply);
    this.measure(request);
    if (this.cors.answers(request, reply)) return;
    const { url = '', config: route } = request.routeOptions;
    request.caller = route.workerToken ? this.workerOf(request) : this.callers.of(request.raw);
    const { refusal } = request.caller;
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1')
      return done(new ServiceError('INVALID_PARAMS', { message: 'the Host header is required' }));
    if (this.keys.judgesHosts && this.keys.refusesHost(request.hostname))
      return this.refuse(request, new ServiceError('HOST_NOT_ALLOWED'), done);
    const open = route.public === true || (this.docsArePublic && isDocumentation(url));
    if (refusal && !open) return this.refuse(request, refusal, done);
    if (request.is404 || (request.method === 'HEAD' && route.getOnly)) return this.answerNoRoute(request, reply, done);
    if (this.isClosing && !open) return done(new ServiceError('SHUTTING_DOWN', { retryAfterMs: RETRY_CLOSING_MS }));
    if (readsBody(request)) return done(refusalOfEncodings(request.headers, reply));
    done();
  };

  /** From now on the parts of the service are taken down: requests on connections that are still open are refused. */
  close(): void {
    this.isClosing = true;
  }

  /** Why a request that reaches no route is refused; it is told. */
  refusalOfStray(request: IncomingMessage, id: string): ServiceError | undefined {
    const { method = '', headers, socket } = request;
    const refusal = this.callers.refusalOf(headers);
    if (refusal) this.audit.refused({ id, method, route: '', remote: socket.remoteAddress, headers }, refusal);
    return refusal;
  }

  private workerOf({ headers: { authorization } }: FastifyRequest): Caller {
    return { refusal: this.workerToken.refusal(authorization), identity: identityOf(authorization) };
  }

  private measure({ method, routeOptions, response, is404 }: FastifyRequest): void {
    const { figures } = routeOptions.config;
    (response as MeasuredResponse).figures = figures && !is404 ? figures.of(method) : this.figures.unmatched(method);
  }

  private refuse(request: FastifyRequest, refusal: ServiceError, done: HookHandlerDoneFunction): void {
    const { id, method, routeOptions, ip: remote, headers, caller, is404 } = request;
    const route = is404 ? '' : (routeOptions.url ?? '');
    this.audit.refused({ id, method, route, remote, headers, ...caller }, refusal);
    done(refusal);
  }

  private answerNoRoute(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const allowed = this.routes.allowedAt(request.url);
    if (allowed.length === 0) return done(new ServiceError('ROUTE_NOT_FOUND'));
    void reply.header('Allow', allowed.join(', '));
    if (request.method === 'OPTIONS') return void reply.status(204).send();
    const message = `${request.method} is not allowed here, only ${allowed.join(', ')}.`;
    done(new ServiceError('METHOD_NOT_ALLOWED', { message }));
  }
}

/** By the route that matched, never by the path as it was sent. */
function isDocumentation(route: string): boolean {
  return route === '/openapi.json' || route === '/docs' || route.startsWith('/docs/');
}

/** A body of a GET is passed over, whatever it is in. */
function readsBody({ method, headers }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** A body that is in no encoding but `identity`, which is none, and chunks is taken. Encodings are named as far as they can be some. */
function refusalOfEncodings(headers: IncomingHttpHeaders, reply: FastifyReply): ServiceError | undefined {
  for (const { header, sent, harmless } of [
    { header: 'Content-Encoding', sent: headers['content-encoding'], harmless: 'identity' },
    { header: 'Transfer-Encoding', sent: headers['transfer-encoding'], harmless: 'chunked' },
  ]) {
    if (sent === undefined) continue;
    const named = sent.split(',');
    const encodings = named.map(name => name.trim()).filter(name => name !== '' && name.toLowerCase() !== harmless);
    if (encodings.length === 0) continue;
    const isNameable = encodings.length <= ENCODINGS_NAMED && encodings.every(name => ENCODING.test(name));
    // RFC 7694, section 3: which encodings are taken.
    void reply.header('Accept-Encoding', 'identity');
    const where = isNameable ? `in the encoding ${encodings.join(', ')}` : 'in an encoding';
    const message = `a body ${where} is not taken: send it without ${header}`;
    return new ServiceError('UNSUPPORTED_MEDIA_TYPE', { message });
  }
  return undefined;
}

const ENCODING = /^[\w.+-]{1,32}$/;
const ENCODINGS_NAMED = 4;
