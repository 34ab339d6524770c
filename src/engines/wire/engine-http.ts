import { AsyncResource } from 'node:async_hooks';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Observable } from 'rxjs';
import { ServiceError } from '../../errors/service-error';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { TurnEnd } from '../../time/turn-end';
import type { EngineEvent, EngineTarget } from '../engine-adapter.port';
import { EngineConnectPolicy } from '../engine-connect';
import { EngineKeys } from '../engine-keys';
import { connectionFault } from './connection-fault';
import { ConnectionPools } from './connection-pools';
import { parseJson } from './engine-json';
import { mediaTypes } from './frame-decoder';
import type { StreamFormat } from './stream-format';
import { StreamRun, type Patience } from './stream-run';

/** A request whose answer is a stream. */
export interface StreamRequest extends Patience {
  /** Appended to the path of the engine's URL. */
  readonly route: string;
  /** JSON. */
  readonly body: string;
  readonly correlationId: string;
  /** Beside those that every request has. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request whose answer is JSON. */
export interface Question {
  readonly method: 'GET' | 'POST';
  /** Appended to the path of the engine's URL. */
  readonly route: string;
  readonly body?: object;
  /** As much as this one's answer needs; what is larger is not read to its end. */
  readonly maxAnswerBytes: number;
}

export interface EngineAnswer {
  readonly status: number;
  /** Undefined when the body is not JSON. */
  readonly json: unknown;
}

export interface EngineText {
  readonly status: number;
  readonly text: string;
}

/** The one way to engines: a pool of connections for each, no redirects, no time-outs of the client's own in a stream. */
@Injectable()
export class EngineHttp implements OnModuleDestroy {
  private readonly pools: ConnectionPools;
  /** Connections outlive the request that opened them: made in its context, they would put its id on others' log lines. */
  private readonly context = new AsyncResource('EngineHttp');

  constructor(
    connect: EngineConnectPolicy,
    private readonly keys: EngineKeys,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly turnEnd: TurnEnd,
  ) {
    this.pools = new ConnectionPools(connect);
  }

  /** Breaks off what still runs. */
  async onModuleDestroy(): Promise<void> {
    await this.pools.destroy();
  }

  /** Sends the request on subscription; batches and errors are those of {@link EngineAdapter.run}. */
  stream(target: EngineTarget, request: StreamRequest, format: () => StreamFormat): Observable<readonly EngineEvent[]> {
    return new Observable(subscriber => {
      const credentials = this.keys.known(target);
      const made = format();
      const run = new StreamRun(subscriber, made, request, this.clock, this.alarms, this.turnEnd);
      const headers = {
        'content-type': 'application/json',
        accept: mediaTypes[made.framing ?? 'sse'][0],
        'x-correlation-id': request.correlationId,
        ...request.headers,
        ...credentials.headers,
      };
      const { origin, path } = address(target, request.route);
      this.context.runInAsyncScope(() => {
        this.pools
          .at(origin, credentials.authority)
          .dispatch({ path, method: 'POST', headers, body: request.body }, run);
      });
      return () => run.abort();
    });
  }

  /**
   * Asks for JSON, and gives the answer whatever its status.
   * @throws ServiceError WORKER_RESET when there is none, DECODE_TIMEOUT when `signal` fires first, ENGINE_PROTOCOL for one
   *   past the bound or that is not HTTP, and for a key that cannot be had
   */
  async ask(target: EngineTarget, question: Question, signal: AbortSignal): Promise<EngineAnswer> {
    const { status, text } = await this.askText(target, question, signal);
    return { status, json: parseJson(text) };
  }

  /** As {@link ask}, for an answer that is text. */
  async askText(target: EngineTarget, question: Question, signal: AbortSignal): Promise<EngineText> {
    const { method, route, body, maxAnswerBytes } = question;
    const { origin, path } = address(target, route);
    try {
      const { headers: wanted, authority } = await this.keys.read(target);
      const content = body
        ? { headers: { 'content-type': 'application/json', ...wanted }, body: JSON.stringify(body) }
        : { headers: wanted };
      const answer = await this.context.runInAsyncScope(() =>
        this.pools.at(origin, authority).request({ path, method, signal, ...content }),
      );
      return { status: answer.statusCode, text: await bounded(answer.body, maxAnswerBytes) };
    } catch (cause) {
      if (cause instanceof ServiceError) throw cause;
      if (signal.aborted) throw new ServiceError('DECODE_TIMEOUT', {}, cause);
      throw connectionFault(cause);
    }
  }
}

/** The engine's API may live below a path of its host. */
function address({ url }: EngineTarget, route: string): { readonly origin: string; readonly path: string } {
  const { origin, pathname } = new URL(url);
  return { origin, path: pathname.replace(/\/+$/, '') + route };
}

/** Leaving the loop early destroys the body, and with it the connection. */
async function bounded(body: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new ServiceError('ENGINE_PROTOCOL', {
        message: 'The engine sent an answer that is larger than any engine sends.',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
