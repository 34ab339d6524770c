import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WriteRequest } from '../tables/protocol';
import { decodeRecords, encodeRecords } from './commit-log-records';
import { decodeBody, encodeBody } from './logged-body';

/** Without halves of surrogate pairs, which UTF-8 cannot say. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.json(),
  fc.constantFrom('', '\n', '"\\', '{"kind":"end"}\n12', '\u{1f600}'),
);
const count = fc.nat();
const ending = fc.record({
  taskId: text,
  state: count,
  keptFromMs: count,
  placement: fc.option(text, { nil: undefined }),
  ending: text,
});
const admission = fc.record({
  ...{ seq: count, taskId: text, sessionId: text, admittedAtMs: count },
  ...{ admission: text, prompt: text },
});
const session = fc.record({ sessionId: text, tokens: count, timeMs: count, cost: count, turns: count });
const write: fc.Arbitrary<WriteRequest> = fc.oneof(
  fc.record(
    { kind: fc.constant('admit' as const), task: admission, evicted: ending },
    { requiredKeys: ['kind', 'task'] },
  ),
  fc.record({ kind: fc.constant('mark' as const), taskId: text, placement: text }),
  fc.record({ kind: fc.constant('end' as const), task: ending, session }, { requiredKeys: ['kind', 'task'] }),
  fc.record({ kind: fc.constant('note' as const), name: text, text }),
);

/** As a record of the commit log gives it back. */
const throughLog = (body: string): string =>
  decodeRecords(encodeRecords([{ number: 1, after: 0, body }])).records[0]?.body ?? '';

describe('the body of a record', () => {
  it('gives back every write', () => {
    fc.assert(
      fc.property(write, given => {
        expect(decodeBody(throughLog(encodeBody(given)))).toEqual(given);
      }),
    );
  });

  it('gives back an ending with its transcript', () => {
    fc.assert(
      fc.property(ending, text, text, (task, id, json) => {
        const given = { kind: 'end', task, session: undefined } as const;
        expect(decodeBody(throughLog(encodeBody(given, { id, json })))).toEqual({ ...given, transcript: { id, json } });
      }),
    );
  });

  it('has texts as they are', () => {
    const body = encodeBody({ kind: 'mark', taskId: 't', placement: '{"poolId":"p"}' });
    expect(body).toBe('{"kind":"mark","taskId":"t","placement":14}\n{"poolId":"p"}');
  });

  it('gives back what was written before texts stood apart', () => {
    fc.assert(
      fc.property(write, given => {
        expect(decodeBody(throughLog(JSON.stringify(given)))).toEqual(given);
      }),
    );
  });

  it.each(['', '{"kind":"mark"', 'no JSON\n'])('is refused where nobody has made it: %j', body => {
    expect(() => decodeBody(body)).toThrow();
  });
});
