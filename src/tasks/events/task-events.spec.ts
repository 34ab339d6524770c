import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson, endEvent, startedEvent, type EndData, type StartedData } from './task-events';

const anything = fc.object({
  key: fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('10', '9', '1a', 'a', 'a_b', 'B', '__proto__', 'toJSON'),
  ),
  values: [
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(null, undefined, '\ud800', '\u2028'),
  ],
});

it('is what the library of RFC 8785 makes of it, whatever it is', () => {
  fc.assert(
    fc.property(anything, value => {
      expect(canonicalJson(value)).toBe(canonicalize(value));
    }),
  );
});

it.each(['0', '9', '__proto__', 'toJSON'])(
  'has a member %s in its place by code unit, whatever JavaScript does with the name',
  name => {
    expect(canonicalJson(JSON.parse(`{"${name}":1,"!":2}`) as object)).toBe(`{"!":2,"${name}":1}`);
  },
);

it('refuses what JSON has no number for', () => {
  expect(() => canonicalJson({ a: [Infinity] })).toThrow();
  expect(() => canonicalJson({ a: NaN })).toThrow();
});

it('is what events are made of that every task has', () => {
  const started: StartedData = {
    task_id: 't',
    queue_position: 0,
    predicted_start_ms: 1,
    predicted_start: { earliest_ms: 0, latest_ms: 2, basis: 'measured' },
    engine: 'llamacpp',
    engine_version: 'b1',
    pool_id: 'p',
    replica_id: 'r',
    attempt: 1,
  };
  for (const more of [{}, { stand_in: true as const, model_ref: '\u2028', model: '"\ud800' }]) {
    const data = { ...started, ...more };
    expect(startedEvent(data).data).toBe(canonicalize(data));
  }
  const end: EndData = { tokens_out: 2, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' };
  for (const more of [{}, { tokens_in: 1, tokens_cached: 0, prompt_time_ms: 3, model: 'm' }]) {
    const data = { ...end, ...more };
    expect(endEvent(data).data).toBe(canonicalize(data));
  }
});
