import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { ResponseReader, type ResponseTaker } from './response-reader';

/** A request of ours. */
export interface Outgoing {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Who waits for the answer to a request. After its fault or its end it hears nothing more; what it throws is its fault. */
export interface AnswerTaker extends ResponseTaker {
  /** The answer is whole. */
  onEnd(): void;
  /** There is no answer, or no more of it. */
  onFault(cause: unknown): void;
}

/** A request that is under way. */
export interface Exchange {
  /** Gives it up: nothing more is told of it, and its connection is closed. Does nothing once it is over. */
  abort(): void;
}

/** Where an engine is, and how it is connected to. */
export interface Host {
  readonly isSecure: boolean;
  /** A name or an address, without brackets. */
  readonly name: string;
  readonly port: number;
  readonly lookup: LookupFunction;
  /** Certificates in PEM of who may vouch for it, in place of those whom everybody trusts. */
  readonly ca?: string;
  /** Of the last connection, so that the next is made with less. */
  tlsSession?: Buffer;
}

/** The engine has closed the connection, or it was closed here. */
export class ConnectionClosedError extends Error {}

/** The connection was not made in time. */
export class ConnectTimeoutError extends Error {}

const CONNECT_TIMEOUT_MS = 5_000;
/** TCP asks whether an engine is there that has sent nothing for this long. */
const TCP_KEEPALIVE_MS = 60_000;
const READ_BYTES = 64 * 1024;
/** All connections read into it, for what was read has been used when the next read begins. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

const sendablePath = /^\/[\x21-\x7e]*$/;
const sendableName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const sendableValue = /^[\t\x20-\x7e]*$/;

/** One connection to an engine, for one request after the other. */
export class EngineConnection {
  private readonly socket: Socket;
  private readonly reader = new ResponseReader();
  private taker: AnswerTaker | undefined;
  private cause: unknown;
  private connecting: NodeJS.Timeout | undefined;
  private isConnected = false;
  /** The request that waits for the connection. */
  private unsent = '';

  /**
   * Begins to connect; a request can be sent at once.
   * @param onIdle it has served a request, and can serve another
   * @param onClosed it can serve no more
   */
  constructor(
    private readonly host: Host,
    private readonly onIdle: (connection: EngineConnection, keptForMs: number | undefined) => void,
    private readonly onClosed: (connection: EngineConnection) => void,
  ) {
    this.socket = host.isSecure ? this.openSecure() : this.openPlain();
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    this.connecting = setTimeout(
      () => this.close(new ConnectTimeoutError('no connection in time')),
      CONNECT_TIMEOUT_MS,
    );
    this.socket.once(host.isSecure ? 'secureConnect' : 'connect', this.takeConnect);
    this.socket.on('end', this.takeEnd);
    this.socket.on('error', error => (this.cause ??= error));
    this.socket.on('close', this.takeClose);
  }

  /** @param message of {@link messageOf} */
  send(message: string, taker: AnswerTaker): Exchange {
    this.taker = taker;
    this.reader.begin(taker);
    // Written before there is TLS, it would fail with it, and hide of what that failed.
    if (this.isConnected) this.write(message);
    else this.unsent = message;
    return { abort: () => this.giveUp(taker) };
  }

  /** It can be written to, as far as is known here. */
  get isOpen(): boolean {
    return !this.socket.destroyed && this.socket.writable;
  }

  /** Closes it; a request that is under way ends with the cause. */
  close(cause: unknown = new ConnectionClosedError('closed')): void {
    this.cause ??= cause;
    this.socket.destroy();
  }

  private openPlain(): Socket {
    const { name, port, lookup } = this.host;
    const onread = { buffer: readBuffer, callback: this.takeRead };
    return connectPlain({ host: name, port, lookup, onread });
  }

  private openSecure(): Socket {
    const { name, port, lookup, ca, tlsSession } = this.host;
    const servername = isIP(name) === 0 ? name : '';
    const socket = connectSecure({
      host: name,
      port,
      lookup,
      servername,
      ALPNProtocols: ['http/1.1'],
      ...(ca !== undefined && { ca }),
      ...(tlsSession && { session: tlsSession }),
    });
    socket.on('session', session => (this.host.tlsSession = session));
    // What is decrypted may be handed on while something else is written: not into the buffer that all share.
    socket.on('data', (bytes: Buffer) => this.takeRead(bytes.length, bytes));
    return socket;
  }

  private readonly takeConnect = (): void => {
    clearTimeout(this.connecting);
    this.isConnected = true;
    this.write(this.unsent);
    this.unsent = '';
  };

  /** In one piece: the head is ASCII. */
  private write(message: string): void {
    this.socket.write(message, 'utf8');
  }

  private readonly takeRead = (count: number, bytes: Uint8Array): boolean => {
    const { taker } = this;
    try {
      const progress = this.reader.take(bytes as Buffer, count);
      // Given up meanwhile, or sent without having been asked.
      if (!taker || this.taker !== taker) this.close();
      else if (progress !== 'partial') this.endExchange(taker, progress === 'whole');
    } catch (error) {
      // It is no HTTP, or its taker failed of it: what one engine answers must not end the service.
      this.fail(error);
    }
    return true;
  };

  /** @param isClean nothing came after the answer */
  private endExchange(taker: AnswerTaker, isClean: boolean): void {
    this.taker = undefined;
    const { keepsAlive = false, keptForMs } = this.reader.lastHead ?? {};
    // An answer that came before all of its request was sent leaves the rest of that behind.
    if (isClean && keepsAlive && this.isOpen && this.socket.writableLength === 0) this.onIdle(this, keptForMs);
    else this.close();
    try {
      taker.onEnd();
    } catch (error) {
      taker.onFault(error);
    }
  }

  private readonly takeEnd = (): void => {
    const { taker } = this;
    if (taker && this.reader.finish()) this.endExchange(taker, false);
    else this.fail(new ConnectionClosedError('the engine has closed the connection'));
  };

  private readonly takeClose = (): void => {
    clearTimeout(this.connecting);
    this.onClosed(this);
    this.fail(this.cause ?? new ConnectionClosedError('the connection was closed'));
  };

  private fail(cause: unknown): void {
    const { taker } = this;
    this.taker = undefined;
    this.reader.stop();
    this.close(cause);
    taker?.onFault(cause);
  }

  private giveUp(taker: AnswerTaker): void {
    if (this.taker !== taker) return;
    this.taker = undefined;
    this.reader.stop();
    this.close();
  }
}

/**
 * A request as it is sent.
 * @param authority as it stands in `Host`
 * @throws Error for what would be another request then
 */
export function messageOf({ method, path, headers, body }: Outgoing, authority: string): string {
  let head = `${method} ${checked(path, sendablePath)} HTTP/1.1\r\nhost: ${authority}\r\nconnection: keep-alive\r\n`;
  for (const name in headers)
    head += `${checked(name, sendableName)}: ${checked(headers[name] ?? '', sendableValue)}\r\n`;
  // A POST says so where it has no body (RFC 9110, section 8.6): some proxies refuse it otherwise.
  if (body !== undefined || method === 'POST') head += `content-length: ${Buffer.byteLength(body ?? '')}\r\n`;
  return `${head}\r\n${body ?? ''}`;
}

function checked(text: string, sendable: RegExp): string {
  // Not a word of the text: it may be a key.
  if (!sendable.test(text)) throw new Error('a request to an engine has something in its head that cannot stand there');
  return text;
}
