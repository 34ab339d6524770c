import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EngineEvent } from '../engine-adapter.port';
import { CompletionFormat } from './completion-format';
import { textOfUsualFrame } from './usual-frame';

const count = fc.nat({ max: 2 ** 31 - 1 });
const frame = fc
  .record({
    index: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: count }),
    content: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom('', '\\', '"', '\n', '\ud800', 'é\u2028'),
    ),
    tokens: fc.array(count, { maxLength: 3 }),
    stop: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    id_slot: fc.oneof(fc.constant(-1), count),
    tokens_predicted: count,
    tokens_evaluated: count,
  })
  .map(value => JSON.stringify(value));

/** A frame in which something was put, taken out or exchanged. */
const spoiled = fc
  .tuple(
    frame,
    fc.nat(),
    fc.nat({ max: 12 }),
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.constantFrom(
        '"',
        '\\',
        '\\"',
        '\\u0041',
        '\\/',
        ',"stop":true',
        ',"content":"b"',
        ',"error":{"code":500}',
        '\n',
        '\u0000',
        ' ',
        '0',
        '-',
      ),
    ),
  )
  .map(([text, place, length, put]) => {
    const at = place % (text.length + 1);
    return text.slice(0, at) + put + text.slice(at + length);
  });

/** What a parser makes of a frame; 'a fault' where it is none. */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return 'a fault';
  }
}

it('takes only what a parser reads in the same way', () => {
  fc.assert(
    fc.property(fc.oneof(frame, spoiled, fc.string()), data => {
      const text = textOfUsualFrame(data);
      if (text === undefined) return;
      const value = parsed(data) as Record<string, unknown>;
      expect(value).toMatchObject({ index: 0, content: text, stop: false });
      expect(Object.keys(value)).toEqual([
        'index',
        'content',
        'tokens',
        'stop',
        'id_slot',
        'tokens_predicted',
        'tokens_evaluated',
      ]);
      // No member stands there twice: written again, it is the same.
      expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(data)));
      expect(data.split('"content"').length + data.split('"stop"').length).toBe(4);
    }),
    { numRuns: 5000 },
  );
});

it('takes every frame of the usual form whose content needs no escapes', () => {
  const plain = fc.string({ minLength: 1 }).filter(text => JSON.stringify(text) === `"${text}"`);
  fc.assert(
    fc.property(plain, fc.array(count), count, (content, tokens, predicted) => {
      const data = {
        index: 0,
        content,
        tokens,
        stop: false,
        id_slot: -1,
        tokens_predicted: predicted,
        tokens_evaluated: 3,
      };
      expect(textOfUsualFrame(JSON.stringify(data))).toBe(content);
    }),
  );
});

/** What a format says of a frame, and of the last one after it, which counts the tokens before. */
function saidOf(read: (format: CompletionFormat, data: string, into: EngineEvent[]) => void, data: string): unknown {
  const format = new CompletionFormat(0);
  const events: EngineEvent[] = [];
  try {
    read(format, data, events);
    format.read('{"content":"","stop":true}', events);
  } catch (thrown) {
    return thrown;
  }
  return events;
}

it('is read as if it had been parsed, whatever it is', () => {
  fc.assert(
    fc.property(fc.oneof(frame, spoiled), data => {
      const short = saidOf((format, text, into) => format.read(text, into), data);
      const long = saidOf((format, text, into) => format.readParsed(text, into), data);
      expect(short).toEqual(long);
    }),
    { numRuns: 5000 },
  );
});
