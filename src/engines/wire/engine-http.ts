import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Agent, type Dispatcher } from 'undici';
import { ServiceError } from '../../errors/service-error';
import { EngineConnectPolicy } from '../engine-connect';
import type { EngineTarget } from '../engine-adapter.port';

const CONNECT_TIMEOUT_MS = 5_000;
/** Below the five seconds after which llama.cpp closes an idle connection. */
const KEEP_ALIVE_MS = 4_000;
/** An answer that is not a stream: the largest is a router's list of models. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_HEADER_BYTES = 32 * 1024;

export interface EngineAnswer {
  readonly status: number;
  /** Undefined when the body is not JSON. */
  readonly json: unknown;
}

/** The one way to engines: a pool of connections for each, no redirects, no time-outs of the client's own in a stream. */
@Injectable()
export class EngineHttp implements OnModuleDestroy {
  private readonly agent: Agent;

  constructor(connect: EngineConnectPolicy) {
    this.agent = new Agent({
      pipelining: 1,
      connections: null,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // A long prefill sends nothing for minutes. Deadlines and the idle time-out are the adapter's and the task's.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup: connect.lookup },
    });
  }

  async onModuleDestroy(): Promise<void> {
    await this.agent.destroy();
  }

  /** Sends a request whose answer is read as it comes. */
  stream(target: EngineTarget, path: string, body: string, correlationId: string, handler: Dispatcher.DispatchHandler): void {
    const { origin, pathname } = new URL(target.url);
    this.agent.dispatch(
      {
        origin,
        path: join(pathname, path),
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'x-correlation-id': correlationId },
        body,
      },
      handler,
    );
  }

  /**
   * Asks for JSON.
   * @throws ServiceError WORKER_RESET when there is no answer, ENGINE_PROTOCOL for one past the bound
   */
  async ask(target: EngineTarget, method: 'GET' | 'POST', path: string, signal: AbortSignal, body?: unknown): Promise<EngineAnswer> {
    const { origin, pathname } = new URL(target.url);
    try {
      const answer = await this.agent.request({
        origin,
        path: join(pathname, path),
        method,
        signal,
        ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      return { status: answer.statusCode, json: parsed(await bounded(answer.body)) };
    } catch (cause) {
      if (cause instanceof ServiceError) throw cause;
      throw new ServiceError('WORKER_RESET', { message: describeFault(cause) }, cause);
    }
  }
}

/** What went wrong on a connection, in words without an address. */
export function describeFault(cause: unknown): string {
  const code = (cause as { code?: unknown } | undefined)?.code;
  switch (code) {
    case 'ECONNREFUSED':
      return 'The engine refused the connection.';
    case 'ECONNRESET':
    case 'UND_ERR_SOCKET':
    case 'EPIPE':
      return 'The engine closed the connection.';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return "The engine's host name has no address.";
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
    case 'ABORT_ERR':
    case 'UND_ERR_ABORTED':
      return 'The engine did not answer in time.';
    default:
      return 'The connection to the engine failed.';
  }
}

function join(base: string, path: string): string {
  return base === '/' ? path : base.replace(/\/+$/, '') + path;
}

async function bounded(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new ServiceError('ENGINE_PROTOCOL', { message: 'The engine sent an answer past its bound.' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
