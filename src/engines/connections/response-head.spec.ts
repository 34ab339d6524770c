import { describe, expect, it } from 'vitest';
import { checkTrailers, NotHttpError, parseHead } from './response-head';

const parse = (...lines: string[]) => parseHead(lines.join('\r\n'));
const ok = (...fields: string[]) => parse('HTTP/1.1 200 OK', ...fields);

describe('the status line', () => {
  it.each([
    ['HTTP/1.1 200 OK', 200],
    ['HTTP/1.0 404 Not Found', 404],
    ['HTTP/1.1 200', 200],
    ['HTTP/1.1 200 ', 200],
    ['HTTP/1.1 503 G\xc5\x82\xc3\xb3d', 503],
    ['HTTP/1.1 500 \x01\x7f\x00', 500],
    ['HTTP/1.1 999 ?', 999],
  ])('%j has its code', (line, status) => {
    expect(parse(line, 'content-length: 0').status).toBe(status);
  });

  it.each([
    '',
    'HTTP/1.1',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 099 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 200\tOK',
    'HTTP/1.1 200OK',
    'HTTP/1.1 2e2 OK',
    'HTTP/1.2 200 OK',
    'HTTP/2.0 200 OK',
    'http/1.1 200 OK',
    ' HTTP/1.1 200 OK',
    'HTTP/1.1 200 O\rK',
    'GET / HTTP/1.1',
  ])('%j is none', line => {
    expect(() => parse(line, 'content-length: 0')).toThrow(NotHttpError);
  });
});

describe('the fields of a head', () => {
  it('are known by names in lower case, their values without the space around them', () => {
    const { headers } = ok('Content-Length: 0', 'X-A:b', 'X-C: \t d e \t', 'X-F:', "!#$%&'*+-.^_`|~09aZ: :\t:");
    expect(headers).toEqual(
      Object.assign(Object.create(null), {
        ...{ 'content-length': '0', 'x-a': 'b', 'x-c': 'd e', 'x-f': '' },
        "!#$%&'*+-.^_`|~09az": ':\t:',
      }),
    );
  });

  it('that come several times are one', () => {
    const { headers } = ok('content-length: 0', 'Vary: a', 'x: y', 'VARY: b', 'vary: a');
    expect(headers['vary']).toBe('a, b, a');
  });

  it('may have names that objects have', () => {
    const { headers } = ok('content-length: 0', '__proto__: a', 'constructor: b');
    expect([headers['__proto__'], headers['constructor'], headers['toString']]).toEqual(['a', 'b', undefined]);
  });

  it.each([
    ['a value that goes on in the next lines', 'X: a\r\n b\r\n\t c', { x: 'a b c' }],
    ['a value that begins in the next line', 'Content-Length:\r\n 0', { 'content-length': '0' }],
    ['a line with nothing but space', 'X: a\r\n  \r\nY: b', { x: 'a', y: 'b' }],
    ['space before the first field', ' X: a\r\nY: b', { y: 'b' }],
    ['lone LFs', 'X: a\n b\nY: c', { x: 'a b', y: 'c' }],
    ['bytes that are not ASCII', 'X: \xc3\xa9\xff', { x: '\xc3\xa9\xff' }],
  ])('are read with %s', (_, fields, expected) => {
    expect({ ...ok(fields).headers }).toEqual(expected);
  });

  it.each([
    ['no colon', 'garbage'],
    ['no name', ': x'],
    ['space before the colon', 'X : a'],
    ['a tab before the colon', 'Content-Length\t: 0'],
    ['a name with a space', 'X Y: a'],
    ['a name that is not ASCII', '\xe9: a'],
    ['a name with a control character', 'X\x01: a'],
    ['a NUL', 'X: a\0'],
    ['a DEL', 'X: a\x7f'],
    ['a lone CR', 'X: a\rY: b'],
    ['two CRs', 'X: a\r\r\nY: b'],
    ['another control character', 'X: a\x0bb'],
  ])('with %s are none', (_, field) => {
    expect(() => ok('content-length: 0', field)).toThrow(NotHttpError);
    expect(() => checkTrailers(field)).toThrow(NotHttpError);
  });

  it('behind the chunks are the same', () => {
    expect(() => checkTrailers('')).not.toThrow();
    expect(() => checkTrailers('X: a\r\n b\nY: c')).not.toThrow();
  });
});

describe('the body', () => {
  it.each([
    ['a length', ['content-length: 17'], 17],
    ['none', ['content-length: 0'], 0],
    ['a length with zeros before it', ['content-length: 00000000000000000000017'], 17],
    ['a length said twice', ['content-length: 17', 'Content-Length: 17'], 17],
    ['a length said twice in one', ['content-length: 17 ,\t17'], 17],
    ['the longest length', ['content-length: 999999999999999'], 999_999_999_999_999],
    ['neither', [], 'until close'],
    ['chunks', ['transfer-encoding: chunked'], 'chunked'],
    ['Chunks', ['Transfer-Encoding:  CHUNKED '], 'chunked'],
    ['chunks of something else', ['transfer-encoding: gzip ,\tchunked'], 'chunked'],
    ['chunks, said twice', ['transfer-encoding: chunked', 'transfer-encoding: chunked'], 'chunked'],
    ['chunks, and an empty element', ['transfer-encoding: chunked, ,'], 'chunked'],
    ['chunks whose length is told', ['content-length: 3', 'transfer-encoding: chunked'], 'chunked'],
    ['chunks and a length that is none', ['content-length: x', 'transfer-encoding: chunked'], 'chunked'],
    ['something else than chunks', ['transfer-encoding: identity'], 'until close'],
    ['something else than chunks, with a length', ['transfer-encoding: identity', 'content-length: 3'], 'until close'],
    ['chunks within something else', ['transfer-encoding: chunked, gzip'], 'until close'],
    ['what only ends like chunks', ['transfer-encoding: xchunked'], 'until close'],
  ])('is where a head has %s', (_, fields, body) => {
    expect(ok(...fields).body).toBe(body);
  });

  it.each([100, 103, 199, 204, 304])('is none with status %i, whatever else is said', status => {
    expect(parse(`HTTP/1.1 ${status} X`, 'content-length: 17').body).toBe(0);
    expect(parse(`HTTP/1.1 ${status} X`, 'transfer-encoding: chunked').body).toBe(0);
    expect(parse(`HTTP/1.1 ${status} X`).body).toBe(0);
  });

  it.each(['', '+3', '-3', '0x3', '3.0', '3e1', '3 3', '3;', '3,', ',3', '3, 4', '03, 3', '3\xa0', '1234567890123456'])(
    'has no end with the length %j',
    value => {
      expect(() => ok(`content-length: ${value}`)).toThrow(NotHttpError);
    },
  );
});

describe('the connection after an answer', () => {
  const length = 'content-length: 0';
  const chunks = 'transfer-encoding: chunked';
  it.each<[boolean, ...string[]]>([
    [true, 'HTTP/1.1', length],
    [true, 'HTTP/1.1', chunks],
    [true, 'HTTP/1.1', length, 'connection: Keep-Alive'],
    [true, 'HTTP/1.1', length, 'connection: upgrade, x-closed'],
    [false, 'HTTP/1.1', length, 'connection: close'],
    [false, 'HTTP/1.1', length, 'Connection: Close'],
    [false, 'HTTP/1.1', length, 'connection: keep-alive', 'connection: close'],
    [false, 'HTTP/1.1', length, 'connection: x,close'],
    [false, 'HTTP/1.1'],
    [false, 'HTTP/1.1', 'connection: keep-alive'],
    [false, 'HTTP/1.1', 'transfer-encoding: identity'],
    [false, 'HTTP/1.1', length, chunks],
    [false, 'HTTP/1.0', length],
    [true, 'HTTP/1.0', length, 'Connection: Keep-Alive'],
    [false, 'HTTP/1.0', chunks, 'connection: keep-alive'],
  ])('is kept: %j, with %s %j %j', (isKept, version, ...fields) => {
    expect(parse(`${version} 200 OK`, ...fields).keepsAlive).toBe(isKept);
  });

  it.each([
    ['timeout=5', 5_000],
    ['timeout=5, max=100', 5_000],
    ['max=100,Timeout=75', 75_000],
    ['max=1; timeout=0', 0],
    ['timeout=0.5', 0],
    ['timeout=999999999', 999_999_999_000],
    ['xtimeout=5', undefined],
    ['timeout=-5', undefined],
    ['timeout', undefined],
    ['300', undefined],
  ])('is kept for as long as %j says', (value, ms) => {
    expect(ok('content-length: 0', `Keep-Alive: ${value}`).keptForMs).toBe(ms);
  });
});
