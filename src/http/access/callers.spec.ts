import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { beforeEach, expect, it } from 'vitest';
import { ServiceError } from '../../errors/service-error';
import { Callers } from './callers';

let good: ReadonlySet<string>;
let lookups: number;
let callers: Callers;
let socket: Socket;

beforeEach(() => {
  [good, lookups, socket] = [new Set(['one', 'two']), 0, {} as Socket];
  callers = new Callers({
    get version() {
      return good;
    },
    refusal: key => {
      lookups++;
      if (key === undefined) return new ServiceError('UNAUTHENTICATED');
      return good.has(key) ? undefined : new ServiceError('FORBIDDEN');
    },
  });
});

function callerOf(headers: IncomingHttpHeaders, over = socket): { refusal?: string; identity?: string } {
  const { refusal, identity } = callers.of({ headers, socket: over } as IncomingMessage);
  return { ...(refusal && { refusal: refusal.code }), ...(identity !== undefined && { identity }) };
}

const one = { authorization: 'Bearer one' };
const identityOfOne = 'token:7692c3';

it('looks a good credential up once for each connection', () => {
  expect(callerOf(one)).toEqual({ identity: identityOfOne });
  expect(callerOf(one)).toEqual({ identity: identityOfOne });
  expect(lookups).toBe(1);
  expect(callerOf(one, {} as Socket)).toEqual({ identity: identityOfOne });
  expect(lookups).toBe(2);
});

it.each([
  ['another token', { authorization: 'Bearer two' }, undefined],
  ['a wrong token', { authorization: 'Bearer six' }, 'UNAUTHENTICATED'],
  ['a longer one', { authorization: 'Bearer one1' }, 'UNAUTHENTICATED'],
  ['none', {}, 'UNAUTHENTICATED'],
  ['a key beside it', { ...one, 'x-api-key': 'two' }, undefined],
  ['a wrong key beside it', { ...one, 'x-api-key': 'six' }, 'FORBIDDEN'],
])('looks up what comes after it over the same connection: %s', (_what, headers, refusal) => {
  callerOf(one);
  expect(callerOf(headers).refusal).toBe(refusal);
  expect(lookups).toBeGreaterThan(1);
});

it('keeps nothing of a credential that is refused', () => {
  const wrong = { authorization: 'Bearer six' };
  expect(callerOf(wrong).refusal).toBe('UNAUTHENTICATED');
  const before = lookups;
  expect(callerOf(wrong).refusal).toBe('UNAUTHENTICATED');
  expect(lookups).toBeGreaterThan(before);
});

it('forgets with the keys what was good', () => {
  callerOf(one);
  good = new Set(['two']);
  expect(callerOf(one).refusal).toBe('UNAUTHENTICATED');
});
