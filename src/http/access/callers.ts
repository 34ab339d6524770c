import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ServiceError } from '../../errors/service-error';
import type { ApiKeys } from './api-keys';
import { bearerToken, identityOf, keyText, type Caller } from './caller';

/** A caller whose credentials were good. */
interface Known {
  /** {@link ApiKeys.version} of the keys that they were good for. */
  readonly keys: object;
  /** A copy: what {@link credentialsIn} gives would keep all of the pool that it was cut from. */
  readonly credentials: Uint8Array;
  readonly caller: Caller;
}

/**
 * Who sends requests that need an API key. Nearly all that come over one connection bring the same credentials, so what was good there
 * is remembered: the next are compared with it, in constant time for their length, and hashed only where they are others.
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
    if (!caller.refusal) this.known.set(socket, { keys, credentials: new Uint8Array(credentials), caller });
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

/** Of both headers; no header has a line end in it, so no two pairs of them are the same text. */
function credentialsIn({ authorization = '', 'x-api-key': key }: IncomingHttpHeaders): Buffer {
  return Buffer.from(key === undefined ? authorization : `${authorization}\n${keyText(key)}`, 'latin1');
}

function areSame(known: Uint8Array, sent: Uint8Array): boolean {
  return known.length === sent.length && timingSafeEqual(known, sent);
}
