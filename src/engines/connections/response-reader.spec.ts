import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { anyAnswer, anyCuts, anyText, cutAt } from '../../../test/wire/any-answer';
import { NotHttpError, type ResponseHeaders } from './response-head';
import { ResponseReader, type ReadState } from './response-reader';

interface Reading {
  readonly heads: [status: number, headers: ResponseHeaders][];
  readonly body: string;
  /** `cut` where the connection has ended before the answer. */
  readonly end: 'whole' | 'surplus' | 'cut' | 'not HTTP';
}

/** What becomes of an answer that comes in these pieces, behind which the connection ends. Throws what else is thrown. */
function read(pieces: readonly Uint8Array[]): Reading {
  const reader = new ResponseReader();
  const heads: Reading['heads'] = [];
  const body: string[] = [];
  reader.begin({
    onHead: ({ status, headers }) => void heads.push([status, headers]),
    onBody: (bytes, start, end) => {
      expect(heads).toHaveLength(1);
      expect(end).toBeGreaterThan(start);
      body.push(bytes.toString('latin1', start, end));
    },
  });
  const end = endOf(pieces, reader);
  return { heads, body: body.join(''), end };
}

function endOf(pieces: readonly Uint8Array[], reader: ResponseReader): Reading['end'] {
  // One buffer for all that is read, as connections have.
  const buffer = Buffer.alloc(Math.max(0, ...pieces.map(({ length }) => length)));
  let progress: ReadState = 'partial';
  try {
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      buffer.fill('!').set(piece);
      progress = reader.take(buffer, piece.length);
      if (progress === 'surplus') return progress;
    }
  } catch (error) {
    if (error instanceof NotHttpError) return 'not HTTP';
    throw error;
  }
  return reader.finish() || progress === 'whole' ? 'whole' : 'cut';
}

const readText = (text: string): Reading => read([Buffer.from(text, 'latin1')]);

const chunkedHead = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

it('says of each answer on a connection what its own head says, also where that came before', () => {
  const reader = new ResponseReader();
  const heads = ['one', 'one', 'two', 'one', 'x'.repeat(2000), 'x'.repeat(2000), 'one'].map(value => {
    const onHead = vi.fn();
    reader.begin({ onHead, onBody: () => undefined });
    const bytes = Buffer.from(`HTTP/1.1 200 OK\r\nA: ${value}\r\nContent-Length: ${value.length}\r\n\r\n${value}`);
    expect(reader.take(bytes, bytes.length)).toBe('whole');
    expect(onHead).toHaveBeenCalledExactlyOnceWith(reader.lastHead);
    const { headers, body } = reader.lastHead ?? {};
    expect(body).toBe(value.length);
    return headers?.['a']?.slice(0, 3);
  });
  expect(heads).toEqual(['one', 'one', 'two', 'one', 'xxx', 'xxx', 'one']);
});

describe('an answer', () => {
  const ok = 'HTTP/1.1 200 OK\r\n';
  const examples: [string, string, number, string, 'whole' | 'surplus' | 'cut'][] = [
    ['counted', `${ok}Content-Length: 5\r\n\r\nhello`, 200, 'hello', 'whole'],
    ['counted, of nothing', `${ok}Content-Length: 0\r\n\r\n`, 200, '', 'whole'],
    ['cut off in its length', `${ok}Content-Length: 6\r\n\r\nhello`, 200, 'hello', 'cut'],
    ['followed by something', `${ok}Content-Length: 4\r\n\r\nhello`, 200, 'hell', 'surplus'],
    ['until the end', `${ok}\r\nhello`, 200, 'hello', 'whole'],
    ['until the end, empty', `${ok}\r\n`, 200, '', 'whole'],
    ['in chunks', `${chunkedHead}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`, 200, 'hello world', 'whole'],
    ['in no chunks', `${chunkedHead}0\r\n\r\n`, 200, '', 'whole'],
    [
      'in chunks of sizes in either case',
      `${chunkedHead}A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n`,
      200,
      '01234567890123456789',
      'whole',
    ],
    ['in chunks of sizes with zeros', `${chunkedHead}0000000000000002\r\nhi\r\n0000\r\n\r\n`, 200, 'hi', 'whole'],
    ['in chunks with extensions', `${chunkedHead}2;a=b;c="d e"\r\nhi\r\n0;x\r\n\r\n`, 200, 'hi', 'whole'],
    ['in chunks whose sizes are padded', `${chunkedHead}2  \r\nhi\r\n0 \t\r\n\r\n`, 200, 'hi', 'whole'],
    ['in chunks with trailers', `${chunkedHead}2\r\nhi\r\n0\r\nX: a\r\nY: b\r\n\r\n`, 200, 'hi', 'whole'],
    ['in chunks with trailers that end in LFs', `${chunkedHead}2\r\nhi\r\n0\r\nX: a\n\n`, 200, 'hi', 'whole'],
    ['in chunks, and followed by something', `${chunkedHead}2\r\nhi\r\n0\r\n\r\n\r\n`, 200, 'hi', 'surplus'],
    ['without its last chunk', `${chunkedHead}2\r\nhi\r\n`, 200, 'hi', 'cut'],
    ['cut off between CR and LF', `${chunkedHead}2\r\nhi\r`, 200, 'hi', 'cut'],
    ['without the last line end', `${chunkedHead}2\r\nhi\r\n0\r\n`, 200, 'hi', 'cut'],
    ['without the last LF', `${chunkedHead}2\r\nhi\r\n0\r\n\r`, 200, 'hi', 'cut'],
    [
      'behind interim ones',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\n${ok}Content-Length: 2\r\n\r\nhi`,
      200,
      'hi',
      'whole',
    ],
    ['behind empty lines', `\r\n\n\r\n${ok}Content-Length: 2\r\n\r\nhi`, 200, 'hi', 'whole'],
    ['with lone LFs in its head', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nhi', 200, 'hi', 'whole'],
    [
      'with an LF and a CR LF at the end of its head',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi',
      200,
      'hi',
      'whole',
    ],
    ['that has no body', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 204, '', 'whole'],
    ['that has no body, and one', 'HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\nhello', 304, '', 'surplus'],
  ];
  it.each(examples)('%s is read, wherever it is cut', (_, text, status, body, end) => {
    const bytes = Buffer.from(text, 'latin1');
    const whole = read([bytes]);
    expect([whole.heads.map(([told]) => told), whole.body, whole.end]).toEqual([[status], body, end]);
    for (let cut = 1; cut < bytes.length; cut++) expect(read(cutAt(bytes, [cut])), `cut at ${cut}`).toEqual(whole);
    expect(read([...bytes].map(byte => Uint8Array.of(byte)))).toEqual(whole);
  });

  it('is not there before the connection has begun it', () => {
    expect(readText('')).toEqual({ heads: [], body: '', end: 'cut' });
    expect(readText('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r')).toEqual({ heads: [], body: '', end: 'cut' });
    expect(readText('HTTP/1.1 100 Continue\r\n\r\n')).toEqual({ heads: [], body: '', end: 'cut' });
  });

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['the beginning of another', 'HTTP/2'],
    ['an alert of TLS', '\x15\x03\x01\x00\x02\x02\x46'],
    ['a frame of HTTP/2', '\x00\x00\x12\x04\x00\x00\x00\x00\x00'],
    ['a change of protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['a head that is none', 'HTTP/1.1 200 OK\r\ngarbage\r\n\r\n'],
    ['an interim head that is none', 'HTTP/1.1 100 Continue\r\ngarbage\r\n\r\n'],
    ['no size', `${chunkedHead}\r\n`],
    ['an extension without a size', `${chunkedHead};a\r\n`],
    ['a size behind a space', `${chunkedHead} 2\r\nhi`],
    ['a size with a sign', `${chunkedHead}-2\r\nhi`],
    ['a size with 0x', `${chunkedHead}0x2\r\nhi`],
    ['a size with a lone LF', `${chunkedHead}2\nhi`],
    ['a size with a lone CR', `${chunkedHead}2\rhi`],
    ['an extension with a lone LF', `${chunkedHead}2;a\nhi`],
    ['an extension with a lone CR', `${chunkedHead}2;a\rhi`],
    ['a size of more digits than there are', `${chunkedHead}00000000000000002\r\nhi`],
    ['a size of four gibibytes', `${chunkedHead}100000000\r\n`],
    ['a chunk that is longer than its size', `${chunkedHead}2\r\nhim\r\n`],
    ['a chunk that ends in something before an LF', `${chunkedHead}2\r\nhi!\n0\r\n\r\n`],
    ['a chunk that ends in a lone LF', `${chunkedHead}2\r\nhi\n0\r\n`],
    ['a chunk that ends in two CRs', `${chunkedHead}2\r\nhi\r\r`],
    ['trailers that are none', `${chunkedHead}0\r\ngarbage\r\n\r\n`],
    ['another answer in place of trailers', `${chunkedHead}0\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`],
  ])('is not %s, wherever that is cut', (_, text) => {
    const bytes = Buffer.from(text, 'latin1');
    const whole = read([bytes]);
    expect(whole.end).toBe('not HTTP');
    for (let cut = 1; cut < bytes.length; cut++) expect(read(cutAt(bytes, [cut])), `cut at ${cut}`).toEqual(whole);
  });
});

describe('any answer', () => {
  it('is whole, and the same wherever it was cut', () => {
    fc.assert(
      fc.property(anyAnswer, anyCuts, (bytes, cuts) => {
        const whole = read([bytes]);
        expect(whole.end).toBe('whole');
        expect(read(cutAt(bytes, cuts))).toEqual(whole);
      }),
      { numRuns: 3000 },
    );
  });

  it('that is damaged is the same wherever it was cut, and throws nothing but that it is no HTTP', () => {
    const damage = fc.tuple(
      fc.nat(),
      fc.constantFrom(0, 1),
      fc.constantFrom('', '\r', '\n', ' ', ':', '0', 'f', ';', '\0', '\r\n\r\n'),
    );
    fc.assert(
      fc.property(anyAnswer, fc.array(damage, { maxLength: 3 }), anyCuts, (bytes, damages, cuts) => {
        let text = bytes.toString('latin1');
        for (const [place, left, more] of damages) {
          const at = place % text.length;
          text = text.slice(0, at) + more + text.slice(at + left);
        }
        const damaged = Buffer.from(text, 'latin1');
        const whole = read([damaged]);
        expect(read(cutAt(damaged, cuts))).toEqual(whole);
      }),
      { numRuns: 5000 },
    );
  });

  it('of any bytes throws nothing but that it is no HTTP', () => {
    const piece = fc.oneof(fc.constantFrom('HTTP/1.', '1 ', '200 OK', '\r\n', '\n', ':', '0', 'f'), anyText);
    const beginning = fc.constantFrom('', 'HTTP/1.1 200 OK\r\n', chunkedHead, `${chunkedHead}0\r\n`);
    fc.assert(
      fc.property(beginning, fc.array(piece, { maxLength: 12 }), anyCuts, (first, pieces, cuts) => {
        const bytes = Buffer.from(first + pieces.join(''), 'latin1');
        expect(read(cutAt(bytes, cuts))).toEqual(read([bytes]));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('bounds', () => {
  const MAX_HEAD = 32 * 1024;
  const headOf = (chars: number): string => {
    const begun = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ';
    return `${begun}${'x'.repeat(chars - begun.length)}\r\n\r\n`;
  };

  it('takes a head at its bound, and none past it, wherever it is cut', () => {
    for (const [chars, isTaken] of [
      [MAX_HEAD, true],
      [MAX_HEAD + 1, false],
    ] as const) {
      const bytes = Buffer.from(headOf(chars));
      for (let cut = bytes.length - 8; cut <= bytes.length; cut++) {
        const { end } = read(cutAt(bytes, [cut]));
        expect(end === 'whole', `${chars} characters, cut at ${cut}: ${end}`).toBe(isTaken);
      }
    }
  });

  it.each([
    ['a head', 'HTTP/1.1 200 OK\r\n', 'X: y\r\n'],
    ['a field', 'HTTP/1.1 200 OK\r\nX: ', 'x'],
    ['a reason', 'HTTP/1.1 200 ', 'x'],
    ['an extension', `${chunkedHead}5;`, 'x'],
    ['space behind a size', `${chunkedHead}5`, ' '],
    ['trailers', `${chunkedHead}0\r\n`, 'X: y\r\n'],
    ['a size', chunkedHead, '0'],
  ])('does not follow %s without end', (_, begun, unit) => {
    const reader = new ResponseReader();
    reader.begin({ onHead: () => undefined, onBody: () => undefined });
    reader.take(Buffer.from(begun), begun.length);
    const piece = Buffer.from(unit.repeat(64));
    let pushed = 0;
    const pushOn = () => {
      for (; pushed < 1_000_000; pushed += piece.length) reader.take(piece, piece.length);
    };
    expect(pushOn).toThrow(NotHttpError);
    expect(pushed).toBeLessThanOrEqual(MAX_HEAD + 2 * piece.length);
  });

  it('follows a stream with extensions and interim answers for as long as it goes on', () => {
    const extended = `1;${'x'.repeat(1000)}\r\nx\r\n`.repeat(100);
    const { body, end } = readText(
      `${'HTTP/1.1 102 Wait\r\nX: y\r\n\r\n'.repeat(5_000)}${chunkedHead}${extended}0\r\n\r\n`,
    );
    expect([body, end]).toEqual(['x'.repeat(100), 'whole']);
  });

  it('decodes little more of what it reads than its heads', () => {
    const heads = 2000;
    const bytes = Buffer.from('HTTP/1.1 102 Wait\r\n\r\n'.repeat(heads));
    const decode = vi.spyOn(bytes, 'toString');
    const reader = new ResponseReader();
    reader.begin({ onHead: () => undefined, onBody: () => undefined });
    reader.take(bytes, bytes.length);
    const decoded = decode.mock.calls.reduce((sum, [, from = 0, to = 0]) => sum + to - from, 0);
    expect(decoded).toBeLessThanOrEqual(heads * 1024);
  });

  it('hands a body on where it was read, and keeps nothing of it', () => {
    const bytes = Buffer.from(`${chunkedHead}5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n`);
    const told: [boolean, string][] = [];
    const reader = new ResponseReader();
    const onBody = (given: Buffer, from: number, to: number) =>
      void told.push([given === bytes, given.toString('latin1', from, to)]);
    reader.begin({ onHead: () => undefined, onBody });
    expect(reader.take(bytes, bytes.length)).toBe('whole');
    expect(told).toEqual([
      [true, 'hello'],
      [true, 'you'],
    ]);
  });
});

describe('who is told', () => {
  it.each(['onHead', 'onBody'] as const)('is told nothing more once it has stopped at %s', at => {
    const calls: string[] = [];
    const reader = new ResponseReader();
    const take = (name: string) => (): void => {
      calls.push(name);
      if (name === at) reader.stop();
    };
    reader.begin({ onHead: take('onHead'), onBody: take('onBody') });
    const bytes = Buffer.from(`${chunkedHead}5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n`);
    expect(reader.take(bytes, bytes.length)).toBe('surplus');
    expect(calls).toEqual(at === 'onHead' ? ['onHead'] : ['onHead', 'onBody']);
    expect(reader.take(bytes, bytes.length)).toBe('surplus');
    expect(reader.finish()).toBe(false);
  });

  it('may throw, and is not taken for an engine that speaks no HTTP', () => {
    const reader = new ResponseReader();
    reader.begin({
      onHead: () => {
        throw new RangeError('no');
      },
      onBody: () => undefined,
    });
    expect(() => reader.take(Buffer.from(chunkedHead), chunkedHead.length)).toThrow(RangeError);
  });
});
