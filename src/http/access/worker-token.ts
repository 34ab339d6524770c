import { createHash, timingSafeEqual } from 'node:crypto';
import { ServiceError } from '../../errors/service-error';

/** The bearer token of `AUTH_TOKEN` that workers register with: a machine's credential, apart from the API keys. */
export class WorkerToken {
  private readonly expected: Buffer | undefined;

  /** Nothing matches where none is set. */
  constructor(token: string | undefined) {
    this.expected = token === undefined ? undefined : digest(token);
  }

  /** Why a request with this Authorization header is refused; undefined for the bearer of the token. */
  refusal(authorization: string | undefined): ServiceError | undefined {
    const token = sentToken(authorization);
    if (token === undefined) return new ServiceError('MISSING_TOKEN');
    // In constant time over digests of both, so that neither content nor length shows.
    const isSame = this.expected !== undefined && timingSafeEqual(digest(token), this.expected);
    return isSame ? undefined : new ServiceError('BAD_TOKEN');
  }
}

/** Whatever was sent as one, also what no token can be: that is a wrong one, not a missing one. */
function sentToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S.*)$/i.exec(header ?? '')?.[1];
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
