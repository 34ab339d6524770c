import { describe, expect, it } from 'vitest';
import { isOdd, LineSplitter } from './line-splitter';

/** The lines of a text that comes in pieces of so many bytes. */
function linesOf(text: string | Buffer, pieceBytes: number, maxBytes = 100): (string | [number, string])[] {
  const bytes = Buffer.from(text);
  const splitter = new LineSplitter(maxBytes);
  const found = [];
  for (let at = 0; at < bytes.length; at += pieceBytes)
    found.push(...splitter.push(bytes.subarray(at, at + pieceBytes)));
  found.push(...splitter.end());
  return found.map(line => (isOdd(line) ? [line.number, line.fault] : `${line.number}:${String(line.bytes)}`));
}

describe('the lines of a file', () => {
  it.each([1, 2, 3, 7, 1000])('are the same whatever pieces they come in: %i bytes', pieceBytes => {
    expect(linesOf('\ufeff{"a":1}\r\n{"é":2}\n{"c":3}', pieceBytes)).toEqual(['1:{"a":1}', '2:{"é":2}', '3:{"c":3}']);
    expect(linesOf('a\n\n \t\r\nb\n\n\n', pieceBytes)).toEqual(['1:a', [2, 'blank'], '4:b']);
    expect(linesOf(`a\n${'x'.repeat(150)}\nb`, pieceBytes)).toEqual(['1:a', [2, 'too long'], '3:b']);
    expect(linesOf('\n\n', pieceBytes)).toEqual([]);
  });

  it('may have as many bytes as are allowed, and no more', () => {
    expect(linesOf(`${'x'.repeat(100)}\n${'x'.repeat(101)}`, 10)).toEqual([`1:${'x'.repeat(100)}`, [2, 'too long']]);
  });
});
