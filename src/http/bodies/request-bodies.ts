import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { TurnoverSet } from '../../collections/turnover-set';
import type { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { OwnTurns } from '../../time/own-turns';
import { ArrivingBody } from './arriving-body';
import { BodyRoom, SMALL_BODY_BYTES } from './body-room';
import { parseJson, textOfDocument, textOfObjects, type JsonText } from './json-body';

declare module 'fastify' {
  interface FastifyRequest {
    /** Its handler begins in a turn of the event loop that is kept for it: what it does at first may take long. */
    hasOwnTurn: boolean;
  }
}

type Done = (refusal: Error | null, body?: unknown) => void;

/** A process that takes over is there soon after this one has closed. */
export const RETRY_CLOSING_MS = 5000;
/** Takes 4 ms at most; what is larger is parsed in steps. */
const AT_ONCE_BYTES = 32 * 1024;
/** Whatever is set, so many of the largest bodies have room at once. */
const LEAST_OF_LARGEST = 4;

export const FORM_NEEDED = 'The body must be multipart/form-data.';

/**
 * Reads the bodies of requests and makes JSON of them. All together they hold a bounded number of bytes: a small one until it is parsed, a
 * larger one until it is answered. What is large is made in steps, each in a turn of its own.
 */
export class RequestBodies {
  private readonly room: BodyRoom;
  private readonly turns = new OwnTurns();
  private readonly arriving = new TurnoverSet<ArrivingBody>();

  constructor(private readonly config: Config) {
    this.room = new BodyRoom(Math.max(config.intakeMaxBytes, LEAST_OF_LARGEST * config.bodyLimitBytes));
  }

  /** A content type parser of Fastify. */
  readonly parse = (request: FastifyRequest, payload: IncomingMessage, done: Done): void => {
    const { bodyLimitBytes = this.config.bodyLimitBytes, jsonText = false, form = false } = request.routeOptions.config;
    if (form) return done(new ServiceError('UNSUPPORTED_MEDIA_TYPE', { message: FORM_NEEDED }));
    const limitBytes = Math.min(bodyLimitBytes, this.config.bodyLimitBytes);
    const body = new ArrivingBody(payload, limitBytes, this.room, (refusal, bytes) => {
      this.arriving.delete(seat);
      const { heldBytes } = body;
      if (refusal) {
        this.room.giveBack(heldBytes);
        done(refusal);
        return;
      }
      if (heldBytes > SMALL_BODY_BYTES) this.holdUntilAnswered(heldBytes, request.response);
      else this.room.giveBack(heldBytes);
      if (heldBytes <= AT_ONCE_BYTES) parseAtOnce(bytes, jsonText, done);
      else this.parseInSteps(bytes, jsonText).then(parsed => inOwnTurn(request, parsed, done), done);
    });
    const seat = this.arriving.add(body);
    // A client that waits for leave to send its body gets it here, when nothing stands against the request any more.
    if (awaitsLeave(payload) && !body.isTooLarge) request.response.writeContinue();
    body.start();
  };

  /** A content type parser of forms: they are read by the handlers of the routes that take them. */
  readonly passForm = (request: FastifyRequest, payload: IncomingMessage, done: Done): void => {
    if (request.routeOptions.config.form === true) done(null, payload);
    else done(new ServiceError('UNSUPPORTED_MEDIA_TYPE'));
  };

  /** Refuses what has not arrived yet: nobody waits for it any longer. */
  stop(): void {
    for (const body of this.arriving)
      body.refuse(new ServiceError('SHUTTING_DOWN', { retryAfterMs: RETRY_CLOSING_MS }));
  }

  /** Each step takes some 30 ms at most, for 4 MiB of the worst text there is; others have their turn in between. */
  private async parseInSteps(bytes: Buffer, isText: boolean): Promise<unknown> {
    const { turns } = this;
    await turns.next();
    const text = checked(bytes, isText);
    await turns.next();
    if (isText || text === undefined) return text;
    const string = text.bytes.toString();
    await turns.next();
    const body = parseJson(string);
    // What the handler does at first is a step too.
    await turns.next();
    return body;
  }

  private holdUntilAnswered(bytes: number, response: ServerResponse): void {
    if (response.closed) this.room.giveBack(bytes);
    else response.once('close', () => this.room.giveBack(bytes));
  }
}

/** As Node has it: the client sends the body when it is told to. */
export function awaitsLeave({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.expect !== undefined && httpVersion === '1.1' && /(?:^|\W)100-continue(?:$|\W)/i.test(headers.expect);
}

function inOwnTurn(request: FastifyRequest, body: unknown, done: Done): void {
  request.hasOwnTurn = true;
  done(null, body);
}

function parseAtOnce(bytes: Buffer, isText: boolean, done: Done): void {
  let body: unknown;
  try {
    const text = checked(bytes, isText);
    body = isText ? text : text && parseJson(text.bytes.toString());
  } catch (refusal) {
    done(refusal as Error);
    return;
  }
  done(null, body);
}

function checked(bytes: Buffer, isText: boolean): JsonText | undefined {
  return isText ? textOfDocument(bytes) : textOfObjects(bytes);
}
