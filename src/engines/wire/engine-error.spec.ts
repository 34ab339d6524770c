import { describe, expect, it } from 'vitest';
import { engineError, reasonOf, statusIn } from './engine-error';

/** No text and no number can be made of it: JSON lets an object have members of these names. */
const odd = JSON.parse('{"toString":1,"valueOf":1}') as unknown;

describe('what an engine says of its error', () => {
  it.each([
    ['error.code', { error: { code: odd } }],
    ['error.status, in a list', { error: { status: [odd] } }],
    ['http_status_code', { http_status_code: odd }],
  ])('has no status where that is anything but a number or its text: %s', (_, body) => {
    expect(statusIn(body)).toBe(500);
  });

  it.each([503, '503'])('has the status that it tells of: %j', code => {
    expect(statusIn({ error: { code } })).toBe(503);
  });

  it.each([
    ['an object', odd],
    ['a list', [odd]],
  ])('names a place by its texts and numbers alone: %s', (_, part) => {
    const detail = [{ msg: 'is missing', loc: ['body', 'messages', part, 0] }];
    expect(reasonOf({ detail })).toBe('messages.0: is missing');
    expect(engineError('x', 422, { detail }).message).toBe('messages.0: is missing');
  });
});
