/**
 * Of a source map what the log needs: for each line of the built file the source that it was made of, and the line there.
 * As bytes: how many lines (32 bits), for each from line 0 on two numbers of 16 bits (the source, from 1, and its line, from 1; 0 where there
 * is none), then the sources, one a line. Numbers have their lowest byte first. Read by src/observability/source-positions.ts.
 */
export function lineOrigins({ mappings, sources }) {
  const lines = mappings.split(';');
  const origins = new Uint16Array(2 * (lines.length + 1));
  // Of the segments before: in a map each number but the column is told by its difference.
  let source = 0;
  let sourceLine = 0;
  for (const [index, line] of lines.entries()) {
    for (const segment of line === '' ? [] : line.split(',')) {
      const [, toSource, toLine] = numbersOf(segment);
      if (toSource === undefined) continue;
      source += toSource;
      sourceLine += toLine;
      const place = 2 * (index + 1);
      if (origins[place] !== 0 || source >= 65_535 || sourceLine >= 65_535) continue;
      origins[place] = source + 1;
      origins[place + 1] = sourceLine + 1;
    }
  }
  const head = Buffer.alloc(4);
  head.writeUInt32LE(lines.length + 1);
  const body = Buffer.alloc(origins.length * 2);
  origins.forEach((number, index) => body.writeUInt16LE(number, 2 * index));
  return Buffer.concat([head, body, Buffer.from(sources.join('\n'))]);
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const valueOf = new Map([...DIGITS].map((digit, value) => [digit, value]));

/** Base64 VLQ: five bits a digit, the lowest first, the sixth says that more follow; the lowest bit of all is the sign. */
function numbersOf(segment) {
  const numbers = [];
  let number = 0;
  let shift = 0;
  for (const digit of segment) {
    const value = valueOf.get(digit);
    number += (value & 31) << shift;
    shift += 5;
    if (value & 32) continue;
    numbers.push(number & 1 ? -(number >> 1) : number >> 1);
    number = 0;
    shift = 0;
  }
  return numbers;
}
