import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SseDecoder } from './sse-decoder';
import { LAST_RESORT_MS } from '../../../test/support/deadline';
import { cutAt } from '../../../test/wire/any-answer';

const MAX_CHARS = 1024;

function decode(chunks: readonly Uint8Array[], maxChars = MAX_CHARS): string[] {
  const events: string[] = [];
  const decoder = new SseDecoder(maxChars, data => events.push(data));
  for (const chunk of chunks) decoder.push(Buffer.from(chunk));
  return events;
}

/** What a widely used parser makes of the same text. It leaves the byte order mark to its caller. */
function oracle(text: string): string[] {
  const events: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(data) });
  parser.feed(text.startsWith('\ufeff') ? text.slice(1) : text);
  return events;
}

describe('SseDecoder', () => {
  it.each([
    ['an event', 'data: a\n\n', ['a']],
    ['several', 'data: a\n\ndata: b\n\n', ['a', 'b']],
    ['CR LF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    ['CR', 'data: a\r\rdata: b\r\r', ['a', 'b']],
    ['line ends mixed', 'data: a\r\n\ndata: b\n\rdata: c\r\r\n', ['a', 'b', 'c']],
    ['several data lines', 'data: a\ndata:b\ndata\ndata: \n\n', ['a\nb\n\n']],
    ['no space after the colon', 'data:a\n\n', ['a']],
    ['one space taken, no more', 'data:  a \n\n', [' a ']],
    ['an empty event', 'data\n\n', ['']],
    ['other fields and comments', ': x\nevent: data\nid: 1\nretry: 5\ndata: a\n:\n\n', ['a']],
    ['names that only begin like ours', 'database: x\ndata-b: y\ndatax\ndata : z\n Data: u\n\n', []],
    ['a colon in the value', 'data: {"a":"b: c"}\n\n', ['{"a":"b: c"}']],
    ['a byte order mark', '\ufeffdata: a\n\n', ['a']],
    ['a byte order mark later on', 'data: \ufeffa\n\n\ufeffdata: b\n\n', ['\ufeffa']],
    ['an event without its end', 'data: a\n\ndata: b\n', ['a']],
    ['separators of other kinds', 'data: a\u2028b\u0085c\u000bd\n\n', ['a\u2028b\u0085c\u000bd']],
  ])('reads %s, wherever it is cut', (_, text, expected) => {
    const bytes = Buffer.from(text);
    expect(decode([bytes])).toEqual(expected);
    for (let cut = 1; cut < bytes.length; cut++) expect(decode(cutAt(bytes, [cut])), `cut at ${cut}`).toEqual(expected);
    expect(decode([...bytes].map(byte => Uint8Array.of(byte)))).toEqual(expected);
  });

  it('agrees with eventsource-parser on any text in any chunks', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'data',
        'data:',
        'data: ',
        'event: x',
        'id: 1',
        ':',
        ' ',
        '\n',
        '\r',
        '\r\n',
        '\n\n',
        '\ufeff',
        '涅',
        '😀',
      ),
      fc.string({ unit: 'grapheme', maxLength: 12 }),
    );
    const text = fc.array(piece, { maxLength: 40 }).map(pieces => `${pieces.join('')}\n\n`);
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 20 }), (stream, positions) => {
        const bytes = Buffer.from(stream);
        expect(decode(cutAt(bytes, positions))).toEqual(oracle(bytes.toString()));
      }),
      { numRuns: 3000 },
    );
  });

  it('gives the same text for any bytes in any chunks', () => {
    const bytes = fc.array(fc.oneof(fc.constantFrom(10, 0xc3, 0xe6, 0xf0, 0x9f, 0x80), fc.nat(255)), { maxLength: 60 });
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 10 }), (value, positions) => {
        const stream = Buffer.from([...Buffer.from('data: '), ...value, 10, 10]);
        const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(stream);
        expect(decode(cutAt(stream, positions))).toEqual(oracle(whole));
      }),
      { numRuns: 2000 },
    );
  });

  describe('bounds', () => {
    const tooLong = expect.objectContaining({ code: 'ENGINE_PROTOCOL' }) as Error;

    it('takes an event at its bound, and none past it', () => {
      const line = (chars: number) => Buffer.from(`data: ${'x'.repeat(chars - 6)}\n\n`);
      expect(decode(cutAt(line(MAX_CHARS), [500]))).toHaveLength(1);
      expect(() => decode(cutAt(line(MAX_CHARS + 1), [MAX_CHARS + 1]))).toThrow(tooLong);
    });

    it.each([
      ['a line', 'x'],
      ['a comment', ':'],
      ['data', 'data: x\n'],
    ])('does not follow %s without end', (_, unit) => {
      const piece = Buffer.from(unit.repeat(64));
      const decoder = new SseDecoder(MAX_CHARS, () => undefined);
      let pushed = 0;
      const pushOn = () => {
        for (; pushed < 1_000_000; pushed += piece.length) decoder.push(piece);
      };
      expect(pushOn).toThrow(tooLong);
      expect(pushed).toBeLessThanOrEqual(8 * MAX_CHARS);
    });

    it('follows a stream of short comments for as long as it goes on', () => {
      const decoder = new SseDecoder(MAX_CHARS, () => undefined);
      for (let turn = 0; turn < 1000; turn++) decoder.push(Buffer.from(': still here\n\n'));
    });

    it('reads a long line in tiny pieces in linear time', () => {
      const chars = 1024 * 1024;
      const bytes = Buffer.from(`data: ${'x'.repeat(chars)}\n\n`);
      const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, at) => bytes.subarray(7 * at, 7 * at + 7));
      const startedMs = performance.now();
      expect(decode(pieces, 2 * chars)[0]).toHaveLength(chars);
      // Joining anew at each piece would take minutes.
      expect(performance.now() - startedMs).toBeLessThan(LAST_RESORT_MS);
    });
  });

  it('lets what its reader throws through', () => {
    const decoder = new SseDecoder(MAX_CHARS, () => {
      throw new RangeError('no');
    });
    expect(() => decoder.push(Buffer.from('data: a\n\n'))).toThrow(RangeError);
  });
});
