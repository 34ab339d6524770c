import type { Subscriber } from 'rxjs';
import { asServiceError, ServiceError } from '../../errors/service-error';
import type { Alarm, Alarms } from '../../time/alarms';
import type { Clock } from '../../time/clock';
import type { TurnEnd } from '../../time/turn-end';
import type { ExchangeHandler, Exchange } from '../connections/engine-connection';
import type { ResponseHead } from '../connections/response-head';
import type { EngineEvent } from '../engine-adapter.port';
import { connectionFault } from './connection-fault';
import { frameDecoder, mediaTypes, type FrameDecoder } from './frame-decoder';
import { retryAfterMsOf } from './retry-after';
import { Silence } from './silence';
import type { Framing, StreamFormat } from './stream-format';

/** More than any engine's reason needs; what is past it is not read. */
const MAX_REFUSAL_BYTES = 64 * 1024;
/** How long the rest of a response is waited for when nothing more is wanted from it but its end. */
const REST_MS = 1000;

/** How long an engine may take; see {@link EngineRequest}. */
export interface Patience {
  readonly firstTokenTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/**
 * One run on an engine, from what its connection reads to batches of events.
 *
 * `asking → streaming → ending → over`, or `asking → refused → over`. In `ending` the last event has been handed on and the
 * response is read to its end, so that its connection can serve the next run. Whatever was read before a fault is handed on
 * before it, so that what a reader sees does not depend on where the network cut.
 */
export class StreamRun implements ExchangeHandler {
  private phase: 'asking' | 'refused' | 'streaming' | 'ending' | 'over' = 'asking';
  private readonly framing: Framing;
  private readonly decoder: FrameDecoder;
  private batch: EngineEvent[] = [];
  /** Something is to be done at the end of this turn. */
  private turnEndIsDue = false;
  /** Nothing more comes of the response; what was read of it is handed on at the end of the turn. */
  private hasEnded = false;
  private exchange: Exchange | undefined;
  private status = 0;
  private retryAfterMs: number | undefined;
  private refusalBody: Buffer[] = [];
  private refusalBytes = 0;
  private begun = false;
  /** A response that ends with its connection looks the same where it was cut off. */
  private endIsMarked = false;
  private readonly silence: Silence;
  /** The end of the response is waited for no longer: in `refused` and `ending`. */
  private rest: Alarm | undefined;

  constructor(
    private readonly subscriber: Subscriber<readonly EngineEvent[]>,
    private readonly format: StreamFormat,
    private readonly patience: Patience,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly turnEnd: TurnEnd,
  ) {
    this.framing = format.framing ?? 'sse';
    this.decoder = frameDecoder(
      this.framing,
      format.maxFrameChars,
      data => this.takeFrame(data),
      text => this.takeFault(text),
    );
    this.silence = new Silence(clock, alarms, turnEnd, limitMs => this.fallSilent(limitMs));
    this.silence.watch(patience.firstTokenTimeoutMs);
  }

  /** Ends the engine's request, whatever stage it is in. */
  abort(): void {
    if (this.isOver) return;
    this.phase = 'over';
    this.silence.stop();
    this.rest?.cancel();
    this.hangUp();
  }

  /** The request that {@link abort} gives up. Before anything is told of its answer. */
  attach(exchange: Exchange): void {
    this.exchange = exchange;
  }

  onHead({ status, headers, body }: ResponseHead): void {
    this.status = status;
    this.endIsMarked = body !== 'until close';
    if (status === 200 && isOf(mediaTypes[this.framing], headers['content-type'])) {
      this.phase = 'streaming';
    } else if (status !== 200 || isOf(mediaTypes.json, headers['content-type'])) {
      this.phase = 'refused';
      this.retryAfterMs = retryAfterMsOf(headers, this.clock.wallMs());
      this.silence.stop();
      this.rest = this.alarms.after(REST_MS, () => this.fail(this.refusal()));
    } else {
      this.fail(notAStream());
    }
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    if (this.phase === 'streaming') this.takeStream(bytes, start, end);
    else if (this.phase === 'refused') this.takeRefusal(bytes, start, end);
  }

  onEnd(): void {
    this.hasEnded = true;
    this.awaitTurnEnd();
  }

  onFault(cause: unknown): void {
    if (this.phase === 'streaming') this.takeLastFrame(false);
    this.endResponse(() => connectionFault(cause));
  }

  /** One read of the socket may hold many chunks of the response, which come one by one; and responses that end in one turn are ended together. */
  private awaitTurnEnd(): void {
    if (this.turnEndIsDue) return;
    this.turnEndIsDue = true;
    this.turnEnd.do(this.endTurn);
  }

  private readonly endTurn = (): void => {
    this.turnEndIsDue = false;
    if (!this.hasEnded) return this.flush();
    if (this.phase === 'streaming') this.takeLastFrame(this.endIsMarked);
    this.endResponse(
      () => new ServiceError('WORKER_RESET', { message: 'The engine ended its stream without its last event.' }),
    );
  };

  private endResponse(otherwise: () => ServiceError): void {
    this.flush();
    // An error is made only where there is one: a stack trace costs more than reading a token.
    if (!this.isOver) this.fail(this.phase === 'refused' ? this.refusal() : otherwise());
    this.rest?.cancel();
  }

  /**
   * The last frame may lack no more than its mark; what else is unfinished is nothing.
   * @param isWhole nothing of the response is missing: a format may say what that means, and what is wrong with the only frame of an
   *   answer is the engine's fault
   */
  private takeLastFrame(isWhole: boolean): void {
    const { batch } = this;
    const { length } = batch;
    try {
      this.decoder.finish();
      if (isWhole && batch.at(-1)?.kind !== 'end') this.format.finish?.(batch);
      if (batch.at(-1)?.kind !== 'end') batch.length = length;
    } catch (error) {
      const fault = asServiceError(error);
      if (fault.code !== 'ENGINE_PROTOCOL' || (isWhole && this.framing === 'json')) this.fail(fault);
    }
  }

  private takeStream(bytes: Buffer, start: number, end: number): void {
    try {
      this.decoder.push(bytes, start, end);
    } catch (error) {
      this.fail(asServiceError(error));
      return;
    }
    if (this.batch.length > 0) this.awaitTurnEnd();
  }

  private takeFrame(data: string): void {
    const { batch } = this;
    // Some keep a connection open with events that hold nothing: no more than a comment does.
    if (data === '' || batch.at(-1)?.kind === 'end') return;
    this.silence.heard();
    this.format.read(data, batch);
    // A prompt may take minutes, and what is told of it is no output yet.
    if (this.begun || !batch.some(event => event.kind !== 'progress')) return;
    this.begun = true;
    this.silence.watch(this.patience.idleTimeoutMs);
  }

  private takeFault(text: string): void {
    if (text !== '' && this.batch.at(-1)?.kind !== 'end') throw this.format.fault(text);
  }

  private flush(): void {
    const { batch } = this;
    if (this.phase !== 'streaming' || batch.length === 0) return;
    this.batch = [];
    const complete = batch.at(-1)?.kind === 'end';
    if (complete) this.awaitRest();
    this.subscriber.next(batch);
    if (complete) this.subscriber.complete();
  }

  /** A sound engine ends the response at once; a connection on which it does not is of no more use. */
  private awaitRest(): void {
    this.phase = 'ending';
    this.silence.stop();
    if (!this.hasEnded) this.rest = this.alarms.after(REST_MS, () => this.hangUp());
  }

  /** Only frames count: an engine that keeps a stuck stream open with comments is stuck all the same. */
  private fallSilent(limitMs: number): void {
    // All of it came in this turn, at whose end it is judged: the only frame of an answer may be one that nothing but its end completes.
    if (this.hasEnded) return;
    const message = this.begun
      ? `The engine sent nothing for ${limitMs} ms.`
      : `The engine gave no token and told of no progress for ${limitMs} ms.`;
    this.fail(new ServiceError('DECODE_TIMEOUT', { message }));
  }

  private takeRefusal(bytes: Buffer, start: number, end: number): void {
    this.refusalBody.push(Buffer.from(bytes.subarray(start, end)));
    this.refusalBytes += end - start;
    if (this.refusalBytes > MAX_REFUSAL_BYTES) this.fail(this.refusal());
  }

  /** Throws nothing, whatever the engine has said: above this is nobody but the event loop. */
  private refusal(): ServiceError {
    const text = Buffer.concat(this.refusalBody).toString('utf8');
    const error = this.errorIn(text);
    // Advice on when to come back is for those who may come back with the very same request.
    return this.retryAfterMs !== undefined && error.retriable ? error.after(this.retryAfterMs) : error;
  }

  private errorIn(refusal: string): ServiceError {
    try {
      return this.format.refusal(this.status, refusal) ?? notAStream();
    } catch (thrown) {
      return asServiceError(thrown);
    }
  }

  private fail(error: ServiceError): void {
    this.flush();
    // The last event was among what came before the fault, or somebody gave the run up on seeing it.
    if (this.isOver) return;
    this.abort();
    this.subscriber.error(error);
  }

  /** Nothing more is handed on. */
  private get isOver(): boolean {
    return this.phase === 'ending' || this.phase === 'over';
  }

  private hangUp(): void {
    this.exchange?.abort();
  }
}

function isOf(types: readonly string[], contentType: string | undefined): boolean {
  return contentType !== undefined && types.includes(contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '');
}

function notAStream(): ServiceError {
  const message = 'The engine answered with something that is not an event stream.';
  return new ServiceError('ENGINE_PROTOCOL', { message });
}
