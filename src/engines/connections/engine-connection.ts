import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { ResponseReader, type ResponseHandler } from './response-reader';

/** A request of ours. */
export interface OutgoingRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Who waits for the answer to a request, and is told in this order, after {@link EngineConnection.send} has returned: `onHead`, any `onBody`,
 * then `onEnd` or `onFault`. What one of the first three throws closes the connection, and is passed to `onFault`, which must not throw.
 */
export interface ExchangeHandler extends ResponseHandler {
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
export interface Endpoint {
  readonly isSecure: boolean;
  /** A name or an address, without brackets. */
  readonly name: string;
  readonly port: number;
  readonly lookup: LookupFunction;
  /** Certificates in PEM of who may vouch for it, in place of those whom everybody trusts. */
  readonly ca?: string;
  /** TLS session of the last connection, which the next one resumes. Written by the connections. */
  tlsSession?: Buffer;
}

/** The engine has closed the connection before its answer was whole. */
export class ConnectionClosedError extends Error {}

/** The connection was not made in time. */
export class ConnectTimeoutError extends Error {}

const CONNECT_TIMEOUT_MS = 5_000;
/** TCP asks whether an engine is there that has sent nothing for this long. */
const TCP_KEEPALIVE_MS = 60_000;
const READ_BYTES = 64 * 1024;
/** One for all connections without TLS: what was read has been handled when the next read begins. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

const sendablePath = /^\/[\x21-\x7e]*$/;
const sendableName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const sendableValue = /^[\t\x20-\x7e]*$/;

/** One connection to an engine, for one request after the other. */
export class EngineConnection {
  private readonly socket: Socket;
  private readonly reader = new ResponseReader();
  private handler: ExchangeHandler | undefined;
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
    private readonly endpoint: Endpoint,
    private readonly onIdle: (connection: EngineConnection, keptForMs: number | undefined) => void,
    private readonly onClosed: (connection: EngineConnection) => void,
  ) {
    this.socket = endpoint.isSecure ? this.openSecure() : this.openPlain();
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
    this.connecting = setTimeout(
      () => this.close(new ConnectTimeoutError('no connection in time')),
      CONNECT_TIMEOUT_MS,
    );
    this.socket.once(endpoint.isSecure ? 'secureConnect' : 'connect', this.takeConnect);
    this.socket.on('end', this.takeEnd);
    this.socket.on('error', error => (this.cause ??= error));
    this.socket.on('close', this.takeClose);
  }

  /** @param message of {@link serialized} */
  send(message: string, handler: ExchangeHandler): Exchange {
    this.handler = handler;
    this.reader.begin(handler);
    // Written before the TLS handshake, a request would fail with it, and hide its cause.
    if (this.isConnected) this.write(message);
    else this.unsent = message;
    return { abort: () => this.giveUp(handler) };
  }

  /** It can be written to, as far as is known here. */
  get isOpen(): boolean {
    return !this.socket.destroyed && this.socket.writable;
  }

  /** Closes it; a request that is under way ends with the cause. */
  close(cause?: unknown): void {
    this.cause ??= cause;
    this.socket.destroy();
  }

  private openPlain(): Socket {
    const { name, port, lookup } = this.endpoint;
    const onread = { buffer: readBuffer, callback: this.takeRead };
    return connectPlain({ host: name, port, lookup, onread });
  }

  private openSecure(): Socket {
    const { name, port, lookup, ca, tlsSession } = this.endpoint;
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
    socket.on('session', session => (this.endpoint.tlsSession = session));
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

  /** One write, so that head and body leave together; the head is ASCII, so UTF-8 does for both. */
  private write(message: string): void {
    this.socket.write(message, 'utf8');
  }

  private readonly takeRead = (count: number, bytes: Uint8Array): boolean => {
    const { handler } = this;
    try {
      // Its type says Uint8Array; it is `readBuffer`, or what TLS gave.
      const state = this.reader.take(bytes as Buffer, count);
      // Given up meanwhile, or sent without having been asked.
      if (!handler || this.handler !== handler) this.close();
      else if (state !== 'partial') this.endExchange(handler, state === 'whole');
    } catch (error) {
      // It is no HTTP, or its handler has thrown: what one engine answers must not end the service.
      this.fail(error);
    }
    return true;
  };

  /** @param isClean nothing came after the answer */
  private endExchange(handler: ExchangeHandler, isClean: boolean): void {
    this.handler = undefined;
    const { keepsAlive = false, keptForMs } = this.reader.lastHead ?? {};
    // An answer may come before all of its request was sent: what is left would come before the next.
    if (isClean && keepsAlive && this.isOpen && this.socket.writableLength === 0) this.onIdle(this, keptForMs);
    else this.close();
    try {
      handler.onEnd();
    } catch (error) {
      handler.onFault(error);
    }
  }

  private readonly takeEnd = (): void => {
    const { handler } = this;
    if (handler && this.reader.finish()) this.endExchange(handler, false);
    else this.fail(undefined);
  };

  private readonly takeClose = (): void => {
    clearTimeout(this.connecting);
    this.onClosed(this);
    this.fail(this.cause);
  };

  private fail(cause: unknown): void {
    const { handler } = this;
    this.handler = undefined;
    this.reader.stop();
    this.close(cause);
    // An error is made only where somebody is told: connections close all the time.
    handler?.onFault(cause ?? new ConnectionClosedError('the connection was closed'));
  }

  private giveUp(handler: ExchangeHandler): void {
    if (this.handler !== handler) return;
    this.handler = undefined;
    this.reader.stop();
    this.close();
  }
}

/**
 * A request as it is sent.
 * @param authority as it stands in the field `Host`
 * @throws Error where path, name or value has a character that may not stand there: it could end the line
 */
export function serialized({ method, path, headers, body }: OutgoingRequest, authority: string): string {
  let head = `${method} ${checked(path, sendablePath)} HTTP/1.1\r\nhost: ${authority}\r\nconnection: keep-alive\r\n`;
  for (const [name, value] of Object.entries(headers))
    head += `${checked(name, sendableName)}: ${checked(value, sendableValue)}\r\n`;
  // A POST says so where it has no body (RFC 9110, section 8.6): some proxies refuse it otherwise.
  if (body !== undefined || method === 'POST') head += `content-length: ${Buffer.byteLength(body ?? '')}\r\n`;
  return `${head}\r\n${body ?? ''}`;
}

function checked(text: string, sendable: RegExp): string {
  // Not a word of the text: it may be a key.
  if (!sendable.test(text)) throw new Error('a request to an engine has something in its head that cannot stand there');
  return text;
}
