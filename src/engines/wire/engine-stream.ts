import { performance } from 'node:perf_hooks';
import type { Dispatcher } from 'undici';
import { Observable, type Subscriber } from 'rxjs';
import { asServiceError, ServiceError } from '../../errors/service-error';
import type { EngineEvent } from '../engine-adapter.port';
import { describeFault } from './engine-http';
import { SseDecoder } from './sse-decoder';

/** How one kind of engine writes its stream. One for each run, so it may keep what spans frames. */
export interface StreamFormat {
  /** Appends the events of one frame's data to `into`; throws a ServiceError for what is not the engine's wire. */
  read(data: string, into: EngineEvent[]): void;
  /** The error that an answer other than a stream stands for. */
  refusal(status: number, body: string): ServiceError;
}

/** How often silence is looked for: an idle time-out is late by at most this. */
const IDLE_CHECK_MS = 100;
const MAX_REFUSAL_BYTES = 64 * 1024;
const LINGER_MS = 1000;

/**
 * Runs a streaming request: one batch for each chunk the network gave. Unsubscribing aborts the request; a stream that ends
 * without its last event is a WORKER_RESET, never a silent end.
 */
export function engineStream(
  start: (handler: Dispatcher.DispatchHandler) => void,
  format: StreamFormat,
  idleTimeoutMs: number,
): Observable<readonly EngineEvent[]> {
  return new Observable(subscriber => {
    const run = new StreamRun(subscriber, format, idleTimeoutMs);
    start(run);
    return () => run.abort();
  });
}

class StreamRun implements Dispatcher.DispatchHandler {
  private readonly decoder = new SseDecoder();
  private controller: Dispatcher.DispatchController | undefined;
  private status = 0;
  private isStream = false;
  private refusalBody = '';
  private over = false;
  /** Set once the last event came: what is left of the response is read to its end, for a while. */
  private lingering: NodeJS.Timeout | undefined;
  private lastChunkMs = 0;
  private idleCheck: NodeJS.Timeout | undefined;

  constructor(
    private readonly subscriber: Subscriber<readonly EngineEvent[]>,
    private readonly format: StreamFormat,
    private readonly idleTimeoutMs: number,
  ) {}

  abort(): void {
    if (this.lingering) return;
    this.over = true;
    clearInterval(this.idleCheck);
    this.controller?.abort(new Error('the run was given up'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // Given up while the connection was still being made.
    if (this.over) controller.abort(new Error('the run was given up'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[] | undefined>): void {
    this.status = status;
    this.isStream = status === 200 && String(headers['content-type']).startsWith('text/event-stream');
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.over) return;
    if (!this.isStream) {
      if (this.refusalBody.length < MAX_REFUSAL_BYTES) this.refusalBody += chunk.toString('latin1');
      else this.fail(this.refusal());
      return;
    }
    this.lastChunkMs = performance.now();
    this.idleCheck ??= setInterval(() => this.checkIdle(), Math.min(IDLE_CHECK_MS, this.idleTimeoutMs));
    try {
      const events: EngineEvent[] = [];
      for (const data of this.decoder.push(chunk)) this.format.read(data, events);
      if (events.length > 0) this.emit(events);
    } catch (error) {
      this.fail(asServiceError(error));
    }
  }

  onResponseEnd(): void {
    clearTimeout(this.lingering);
    if (this.over) return;
    this.fail(
      this.isStream
        ? new ServiceError('WORKER_RESET', { message: 'The engine ended its stream without its last event.' })
        : this.refusal(),
    );
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    clearTimeout(this.lingering);
    if (this.over) return;
    this.fail(cause instanceof ServiceError ? cause : new ServiceError('WORKER_RESET', { message: describeFault(cause) }, cause));
  }

  private emit(events: EngineEvent[]): void {
    const last = events.findIndex(event => event.kind === 'end');
    this.subscriber.next(last === -1 ? events : events.slice(0, last + 1));
    if (last === -1) return;
    this.over = true;
    clearInterval(this.idleCheck);
    // The connection can be used again once the response is read to its end, which a sound engine sends at once.
    this.lingering = setTimeout(() => this.controller?.abort(new Error('the response did not end')), LINGER_MS);
    this.subscriber.complete();
  }

  private fail(error: ServiceError): void {
    this.abort();
    this.subscriber.error(error);
  }

  private refusal(): ServiceError {
    if (this.status === 200) {
      return new ServiceError('ENGINE_PROTOCOL', { message: 'The engine answered with something that is not an event stream.' });
    }
    return this.format.refusal(this.status, Buffer.from(this.refusalBody, 'latin1').toString('utf8'));
  }

  private checkIdle(): void {
    if (performance.now() - this.lastChunkMs < this.idleTimeoutMs) return;
    this.fail(new ServiceError('DECODE_TIMEOUT', { message: `The engine sent nothing for ${this.idleTimeoutMs} ms.` }));
  }
}
