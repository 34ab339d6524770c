import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ServiceError } from '../../errors/service-error';
import type { ApiKeys } from './api-keys';
import { bearerToken, identityOf, keyText, type Caller } from './caller';

/** A caller whose key is good. */
interface Known {
  /** The keys that it was looked up in. */
  readonly keys: object;
  readonly credentials: Buffer;
  readonly caller: Caller;
}

/**
 * Who sends requests that need an API key. Nearly all that come over a connection bring the same credentials: those that were found
 * good there are compared with the next ones, in a time that tells nothing of them, and are not hashed again.
 */
export class Callers {
  private readonly known = new WeakMap<Socket, Known>();

  constructor(private readonly keys: Pick<ApiKeys, 'refusal' | 'version'>) {}

  of({ headers, socket }: IncomingMessage): Caller {
    const { version: keys } = this.keys;
    const credentials = credentialsIn(headers);
    const known = this.known.get(socket);
    if (known?.keys === keys && areSame(known.credentials, credentials)) return known.caller;
    const caller = { refusal: this.refusalOf(headers), identity: identityOf(headers.authorization) };
    if (!caller.refusal) this.known.set(socket, { keys, credentials, caller });
    return caller;
  }

  /** Why a request with these headers is refused where an API key is needed. */
  refusalOf({ authorization, 'x-api-key': key }: IncomingHttpHeaders): ServiceError | undefined {
    if (key !== undefined) return this.keys.refusal(keyText(key));
    const bearer = bearerToken(authorization);
    // A bearer token may be somebody's name and no more, see Caller.identity: without a key that is as good as none.
    return bearer !== undefined && !this.keys.refusal(bearer) ? undefined : this.keys.refusal(undefined);
  }
}

/** No header has a line end in it. */
function credentialsIn({ authorization = '', 'x-api-key': key }: IncomingHttpHeaders): Buffer {
  return Buffer.from(key === undefined ? authorization : `${authorization}\n${keyText(key)}`, 'latin1');
}

function areSame(known: Buffer, sent: Buffer): boolean {
  return known.length === sent.length && timingSafeEqual(known, sent);
}
