import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { SMALL_BODY_BYTES } from '../bodies/body-room';
import { PiecePace } from '../bodies/piece-pace';
import { awaitsLeave } from '../bodies/request-bodies';

/** What is read of a body that nobody wants, before its connection is closed. */
const DRAIN_MS = 5000;
const DRAIN_BYTES = 64 * 1024 * 1024;

declare module 'fastify' {
  interface FastifyInstance {
    earlyAnswers: EarlyAnswers;
  }
}

/**
 * Sends answers that may come before the body of their request was read. Most clients read no answer before they have sent all: to
 * close on them at once resets the connection, and that is all they would see. So the answer goes out, what they still send is
 * read and dropped for a bounded while, and then the connection is closed.
 */
export class EarlyAnswers {
  private readonly drains = new Set<() => void>();
  private isStopped = false;

  /** @param hangsUp the client shall not come again on this connection */
  send(reply: FastifyReply, text: string, hangsUp = false): void {
    const { raw: request } = reply.request;
    if (this.isStopped || (hangsUp && hasArrived(request))) {
      void reply.header('Connection', 'close').send(text);
      return;
    }
    if (hasArrived(request) || (declaredLength(request) <= SMALL_BODY_BYTES && reply.raw.shouldKeepAlive)) {
      // Node reads on to the next request of the connection.
      void reply.removeHeader('Connection').send(text);
      return;
    }
    void reply
      .header('Connection', 'close')
      .header('Content-Length', Buffer.byteLength(text))
      .send(Readable.from(this.textThenDrain(text, request)));
  }

  /** Waits for no client any longer. */
  stop(): void {
    this.isStopped = true;
    for (const end of this.drains) end();
  }

  private async *textThenDrain(text: string, request: IncomingMessage): AsyncGenerator<string> {
    yield text;
    // Whoever waits for leave to send and does not get it sends nothing.
    if (request.readableFlowing === null && awaitsLeave(request)) return;
    await this.drain(request);
  }

  private async drain(request: IncomingMessage): Promise<void> {
    if (request.closed) return;
    const { promise, resolve } = withResolvers();
    let bytes = 0;
    const pace = new PiecePace(request);
    const count = (piece: Buffer): void => {
      pace.took();
      bytes += piece.length;
      if (bytes > DRAIN_BYTES) resolve();
    };
    const timer = setTimeout(resolve, DRAIN_MS);
    this.drains.add(resolve);
    // It closes when it has ended, and when the client leaves.
    request.on('data', count).once('close', resolve);
    await promise;
    request.off('data', count).off('close', resolve);
    this.drains.delete(resolve);
    clearTimeout(timer);
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>(settle => (resolve = settle));
  return { promise, resolve };
}

function hasArrived(request: IncomingMessage): boolean {
  return request.complete || declaredLength(request) === 0;
}

/** Infinity for a body that says no length. */
function declaredLength({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return Infinity;
  return Number(headers['content-length'] ?? 0);
}
