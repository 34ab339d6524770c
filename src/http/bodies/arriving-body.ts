import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../../errors/service-error';
import type { BodyRoom } from './body-room';
import { PiecePace } from './piece-pace';

/** When there is room again depends on others; a second is what a body usually takes. */
const RETRY_AFTER_MS = 1000;

const NOTHING = Buffer.alloc(0);

/**
 * The bytes of one request's body as they come in. Most come in one piece, which is taken as it is; of more pieces one buffer is made
 * as they come, for each piece kept by itself would cost a hundred bytes more than its content, and a client may send one byte at a time.
 */
export class ArrivingBody {
  private bytes: Buffer = NOTHING;
  private length = 0;
  private over = false;
  private readonly pace: PiecePace;

  /**
   * @param limitBytes of this body
   * @param onOver called once, with the bytes or with why there are none. What {@link heldBytes} says is the caller's to give back.
   */
  constructor(
    private readonly request: IncomingMessage,
    private readonly limitBytes: number,
    private readonly room: BodyRoom,
    private readonly onOver: (refusal: ServiceError | undefined, bytes: Buffer) => void,
  ) {
    this.pace = new PiecePace(request);
  }

  start(): void {
    const { request } = this;
    if (this.isTooLarge) return this.refuse(this.tooLarge());
    request.on('data', this.onData);
    request.on('end', this.onEnd);
    // Without an end before it: the client went away.
    request.on('close', this.onBroken);
  }

  /** As its headers say, before any of it is there. */
  get isTooLarge(): boolean {
    return Number(this.request.headers['content-length']) > this.limitBytes;
  }

  /** Taken from the room. */
  get heldBytes(): number {
    return this.length;
  }

  refuse(refusal: ServiceError): void {
    this.settle(refusal);
  }

  private readonly onData = (piece: Buffer): void => {
    this.pace.took();
    const length = this.length + piece.length;
    if (length > this.limitBytes) return this.refuse(this.tooLarge());
    if (!this.room.take(piece.length, length)) {
      return this.refuse(new ServiceError('INTAKE_FULL', { retryAfterMs: RETRY_AFTER_MS }));
    }
    this.append(piece, length);
    this.length = length;
  };

  private readonly onEnd = (): void => this.settle(undefined);

  /** Nobody is there to read an answer. */
  private readonly onBroken = (): void =>
    this.settle(new ServiceError('INVALID_PARAMS', { field: 'body', message: 'the body broke off' }));

  private append(piece: Buffer, length: number): void {
    if (this.length === 0) {
      this.bytes = piece;
      return;
    }
    if (length > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, Math.min(2 * this.bytes.length, this.limitBytes)));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    piece.copy(this.bytes, this.length);
  }

  private settle(refusal: ServiceError | undefined): void {
    if (this.over) return;
    this.over = true;
    const { request, bytes, length } = this;
    request.off('data', this.onData);
    request.off('end', this.onEnd);
    request.off('close', this.onBroken);
    this.bytes = NOTHING;
    this.onOver(refusal, bytes.length === length ? bytes : bytes.subarray(0, length));
  }

  private tooLarge(): ServiceError {
    const message = `the body must have at most ${this.limitBytes} bytes`;
    return new ServiceError('BODY_TOO_LARGE', { field: 'body', message });
  }
}
