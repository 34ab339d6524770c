import fc from 'fast-check';

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
/** Names that say nothing about the answer. */
const field = fc
  .tuple(token, fc.stringMatching(/^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]{0,20}[\x21-\x7e\x80-\xff])?$/))
  .map(([name, value]) => `X-${name}: ${value}`);
const fields = fc.array(fc.oneof(field, fc.constantFrom('Vary: a', 'vary: b', 'Keep-Alive: timeout=5')), {
  maxLength: 6,
});
/** Bytes, each a character; some of them look like parts of an answer. */
export const anyText = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes).toString('latin1')),
  fc.constantFrom('\r\n', '\r\n0\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n', 'data: {"a":1}\n\n', 'x'.repeat(3000)),
);
const reason = fc.constantFrom(' OK', ' Not Found', ' ', '', ' \xc3\xa9');
const interim = fc
  .tuple(fc.constantFrom(100, 102, 103), fields)
  .map(([status, more]) => [`HTTP/1.1 ${status} X`, ...more, '', ''].join('\r\n'));
const extension = fc.oneof(fc.constant(''), fc.constantFrom(';a', ';a=b', ';a="b;c"', ';a=b;c'));
const chunk = fc
  .tuple(
    anyText.filter(text => text !== ''),
    fc.boolean(),
    fc.nat(2),
    extension,
  )
  .map(([text, isUpper, zeros, more]) => {
    const hex = '0'.repeat(zeros) + text.length.toString(16);
    return `${isUpper ? hex.toUpperCase() : hex}${more}\r\n${text}\r\n`;
  });

/** Field lines that say where the body ends, and the body; each of the kinds that there are. */
const framed: fc.Arbitrary<readonly [status: number, lines: readonly string[], body: string]> = fc.oneof(
  anyText.map(text => [200, [`Content-Length: ${text.length}`], text] as const),
  anyText.map(text => [503, ['Connection: close'], text] as const),
  fc.constantFrom(204, 304).map(status => [status, [], ''] as const),
  fc
    .tuple(fc.array(chunk, { maxLength: 6 }), fields, extension)
    .map(
      ([chunks, trailers, more]) =>
        [
          200,
          ['transfer-encoding: Chunked'],
          `${chunks.join('')}0${more}\r\n${[...trailers, '', ''].join('\r\n')}`,
        ] as const,
    ),
);

/** Valid answers of HTTP/1 as they stand on the wire; those without a length end with their connection. */
export const anyAnswer = fc
  .tuple(fc.array(interim, { maxLength: 2 }), fc.constantFrom('1.1', '1.1', '1.0'), reason, fields, framed, fields)
  .map(([before, version, words, first, [status, lines, body], last]) => {
    const head = [`HTTP/${version} ${status}${words}`, ...first, ...lines, ...last, '', ''].join('\r\n');
    return Buffer.from(before.join('') + head + body, 'latin1');
  });
export const anyCuts = fc.array(fc.nat(), { maxLength: 12 });

/** The bytes between these positions, which {@link anyCuts} gives. */
export function cutAt(bytes: Uint8Array, positions: readonly number[]): Uint8Array[] {
  const places = [0, ...positions.map(at => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}
