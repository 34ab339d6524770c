import type { Subscriber } from 'rxjs';
import type { Dispatcher } from 'undici';
import { asServiceError, ServiceError } from '../../errors/service-error';
import type { Alarm, Alarms } from '../../time/alarms';
import type { Clock } from '../../time/clock';
import type { TurnEnd } from '../../time/turn-end';
import type { EngineEvent } from '../engine-adapter.port';
import { connectionFault } from './connection-fault';
import { SseDecoder } from './sse-decoder';
import type { StreamFormat } from './stream-format';

type ResponseHeaders = Record<string, string | string[] | undefined>;

/** More than any engine's reason needs; what is past it is not read. */
const MAX_REFUSAL_BYTES = 64 * 1024;
/** How long the rest of a response is waited for when nothing more is wanted from it but its end. */
const REST_MS = 1000;

/**
 * One run on an engine, from undici's callbacks to batches of events.
 *
 * `asking → streaming → ending → over`, or `asking → refused → over`. In `ending` the last event has been handed on and the
 * response is read to its end, so that its connection can serve the next run. Whatever was read before a fault is handed on
 * before it, so that what a reader sees does not depend on where the network cut.
 */
export class StreamRun implements Dispatcher.DispatchHandler {
  private phase: 'asking' | 'refused' | 'streaming' | 'ending' | 'over' = 'asking';
  private readonly decoder: SseDecoder;
  private batch: EngineEvent[] = [];
  private flushIsDue = false;
  private controller: Dispatcher.DispatchController | undefined;
  private status = 0;
  private refusalBody: Buffer[] = [];
  private refusalBytes = 0;
  private lastFrameMs = 0;
  /** Looks for silence while streaming, for the end of the response in `refused` and `ending`. */
  private alarm: Alarm | undefined;

  constructor(
    private readonly subscriber: Subscriber<readonly EngineEvent[]>,
    private readonly format: StreamFormat,
    private readonly idleTimeoutMs: number,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly turnEnd: TurnEnd,
  ) {
    this.decoder = new SseDecoder(format.maxFrameChars, data => this.takeFrame(data));
  }

  /** Ends the engine's request, whatever stage it is in. */
  abort(): void {
    if (this.phase === 'ending' || this.phase === 'over') return;
    this.phase = 'over';
    this.alarm?.cancel();
    this.hangUp();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // Given up while the connection was still being made.
    if (this.phase === 'over') this.hangUp();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    if (this.phase !== 'asking' || status < 200) return;
    this.status = status;
    if (status !== 200) {
      this.phase = 'refused';
      this.alarm = this.alarms.after(REST_MS, () => this.fail(this.refusal()));
    } else if (isEventStream(headers['content-type'])) {
      this.phase = 'streaming';
    } else {
      this.fail(
        new ServiceError('ENGINE_PROTOCOL', {
          message: 'The engine answered with something that is not an event stream.',
        }),
      );
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.phase === 'streaming') this.takeStream(chunk);
    else if (this.phase === 'refused') this.takeRefusal(chunk);
  }

  onResponseEnd(): void {
    if (this.phase === 'streaming') {
      this.fail(new ServiceError('WORKER_RESET', { message: 'The engine ended its stream without its last event.' }));
    } else if (this.phase === 'refused') {
      this.fail(this.refusal());
    }
    this.alarm?.cancel();
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    this.fail(this.phase === 'refused' ? this.refusal() : connectionFault(cause));
    this.alarm?.cancel();
  }

  private takeStream(chunk: Buffer): void {
    try {
      this.decoder.push(chunk);
    } catch (error) {
      this.fail(asServiceError(error));
      return;
    }
    if (this.batch.length === 0 || this.flushIsDue) return;
    // One read of the socket may hold many chunks of the response, and undici gives them one by one.
    this.flushIsDue = true;
    this.turnEnd.do(this.flush);
  }

  private takeFrame(data: string): void {
    const { batch } = this;
    if (batch.at(-1)?.kind === 'end') return;
    this.lastFrameMs = this.clock.nowMs();
    this.format.read(data, batch);
    // Silence counts from the first output: a prefill may take minutes.
    if (batch.length > 0) this.alarm ??= this.alarms.after(this.idleTimeoutMs, () => this.checkSilence());
  }

  private readonly flush = (): void => {
    this.flushIsDue = false;
    const { batch } = this;
    if (this.phase !== 'streaming' || batch.length === 0) return;
    this.batch = [];
    const complete = batch.at(-1)?.kind === 'end';
    if (complete) this.awaitRest();
    this.subscriber.next(batch);
    if (complete) this.subscriber.complete();
  };

  /** A sound engine ends the response at once; a connection on which it does not is of no more use. */
  private awaitRest(): void {
    this.phase = 'ending';
    this.alarm?.cancel();
    this.alarm = this.alarms.after(REST_MS, () => this.hangUp());
  }

  /** Only frames count: an engine that keeps a stuck stream open with comments is stuck all the same. */
  private checkSilence(): void {
    const silentMs = this.clock.nowMs() - this.lastFrameMs;
    if (silentMs < this.idleTimeoutMs) {
      this.alarm = this.alarms.after(this.idleTimeoutMs - silentMs, () => this.checkSilence());
      return;
    }
    this.fail(new ServiceError('DECODE_TIMEOUT', { message: `The engine sent nothing for ${this.idleTimeoutMs} ms.` }));
  }

  private takeRefusal(chunk: Buffer): void {
    this.refusalBody.push(chunk);
    this.refusalBytes += chunk.length;
    if (this.refusalBytes > MAX_REFUSAL_BYTES) this.fail(this.refusal());
  }

  private refusal(): ServiceError {
    return this.format.refusal(this.status, Buffer.concat(this.refusalBody).toString('utf8'));
  }

  private fail(error: ServiceError): void {
    this.flush();
    // The last event was among what came before the fault, or somebody gave the run up on seeing it.
    if (this.phase === 'ending' || this.phase === 'over') return;
    this.abort();
    this.subscriber.error(error);
  }

  private hangUp(): void {
    this.controller?.abort(new Error('the run is over'));
  }
}

function isEventStream(contentType: string | string[] | undefined): boolean {
  return typeof contentType === 'string' && /^text\/event-stream\s*(;|$)/i.test(contentType);
}
