import { AsyncResource } from 'node:async_hooks';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Observable } from 'rxjs';
import { ServiceError } from '../../errors/service-error';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { TurnEnd } from '../../time/turn-end';
import type { EngineEvent, EngineTarget } from '../engine-adapter.port';
import { EngineConnectPolicy } from '../engine-connect';
import { EngineKeys, type Authority } from '../engine-keys';
import { EngineConnections } from '../connections/engine-connections';
import type { ExchangeHandler, Exchange, OutgoingRequest } from '../connections/engine-connection';
import { connectionFault } from './connection-fault';
import { parseJson } from './engine-json';
import { mediaTypes } from './frame-decoder';
import type { StreamFormat } from './stream-format';
import { StreamRun, type Patience } from './stream-run';
import { wholeAnswer, type EngineText } from './whole-answer';

/** URLs of engines that are kept parsed; with one more all are parsed anew. */
const BASES_MAX = 256;

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

/** The one way to engines: connections that are used again, no redirects, no time-outs of the client's own in a stream. */
@Injectable()
export class EngineHttp implements OnModuleDestroy {
  private readonly connections: EngineConnections;
  /** URLs of engines, parsed: parsing one takes longer than sending to it. */
  private readonly bases = new Map<string, { readonly url: URL; readonly path: string }>();
  /** Connections outlive the request that opened them: made in its context, they would put its id on others' log lines. */
  private readonly context = new AsyncResource('EngineHttp');

  constructor(
    connect: EngineConnectPolicy,
    private readonly keys: EngineKeys,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly turnEnd: TurnEnd,
  ) {
    this.connections = new EngineConnections(connect, clock, alarms, turnEnd);
  }

  /** Breaks off what still runs. */
  onModuleDestroy(): void {
    this.connections.destroy();
  }

  /** Sends the request on subscription, with others of that turn of the event loop; batches and errors are those of {@link EngineAdapter.run}. */
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
      const { url, path } = this.addressOf(target, request.route);
      const outgoing: OutgoingRequest = { method: 'POST', path, headers, body: request.body };
      try {
        run.attach(this.send(url, outgoing, run, credentials.authority));
      } catch (cause) {
        // It has something in it that cannot be sent.
        run.onFault(cause);
      }
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
    const { url, path } = this.addressOf(target, route);
    try {
      const { headers: wanted, authority } = await this.keys.read(target);
      const content = body && {
        headers: { 'content-type': 'application/json', ...wanted },
        body: JSON.stringify(body),
      };
      const outgoing: OutgoingRequest = { method, path, headers: wanted, ...content };
      const send = (handler: ExchangeHandler): Exchange => this.send(url, outgoing, handler, authority);
      return await wholeAnswer(send, maxAnswerBytes, signal);
    } catch (cause) {
      if (cause instanceof ServiceError) throw cause;
      if (signal.aborted) throw new ServiceError('DECODE_TIMEOUT', {}, cause);
      throw connectionFault(cause);
    }
  }

  /** The engine's API may live below a path of its host. */
  private addressOf({ url: text }: EngineTarget, route: string): { readonly url: URL; readonly path: string } {
    let base = this.bases.get(text);
    if (!base) {
      const url = new URL(text);
      base = { url, path: url.pathname.replace(/\/+$/, '') };
      if (this.bases.size >= BASES_MAX) this.bases.clear();
      this.bases.set(text, base);
    }
    return { url: base.url, path: base.path + route };
  }

  private send(
    url: URL,
    outgoing: OutgoingRequest,
    handler: ExchangeHandler,
    authority: Authority | undefined,
  ): Exchange {
    return this.context.runInAsyncScope(() => this.connections.send(url, outgoing, handler, authority));
  }
}
