import { describe, expect, it } from 'vitest';
import { TokenCheck } from './token-check';

const frames = (indexes: readonly number[]): string =>
  indexes.map((index, at) => `id: ${at}\nevent: token\ndata: {"i":${index},"t":"#${index} "}\n\n`).join('');
const END = 'event: metrics\ndata: {"tokens_out":3}\n\nevent: end\ndata: {"tokens_out":3}\n\n';

function faultOf(stream: string, tokens: number, cuts: readonly number[] = [], mark?: string): string | undefined {
  const check = new TokenCheck('event: end', mark);
  [0, ...cuts].forEach((from, n) => check.take(stream.slice(from, cuts[n])));
  return check.faultAtEnd(tokens);
}

describe('TokenCheck', () => {
  it('finds nothing wrong with a whole stream, wherever it is cut', () => {
    const stream = frames([0, 1, 2]) + END;
    for (let a = 1; a < stream.length - 1; a++) expect(faultOf(stream, 3, [a, a + 1])).toBeUndefined();
    const many = frames(Array.from({ length: 300 }, (_, index) => index)) + END;
    expect(faultOf(many, 300)).toBeUndefined();
  });

  it('knows tokens from a text that is said again, by a mark of their own', () => {
    const stream = frames([0, 1, 2]).replaceAll('"t":', '"delta":') + '"text":"#0 #1 #2 "\n\n' + END;
    for (let a = 1; a < stream.length; a++) expect(faultOf(stream, 3, [a], '"delta":"#')).toBeUndefined();
    expect(faultOf(stream, 3)).toContain('token 0 came where token 3');
  });

  it('finds what is missing, doubled, misplaced or too much, and a stream without an end', () => {
    expect(faultOf(frames([0, 2]) + END, 3)).toContain('token 2 came where token 1');
    expect(faultOf(frames([0, 1, 1, 2]) + END, 3)).toContain('token 1 came where token 2');
    expect(faultOf(frames([1, 0, 2]) + END, 3)).toContain('token 1 came where token 0');
    expect(faultOf(frames([0, 1]) + END, 3)).toContain('2 tokens came of 3');
    expect(faultOf(frames([0, 1, 2, 3]) + END, 3)).toContain('4 tokens came of 3');
    expect(faultOf(frames([0, 1, 2]), 3)).toContain('no end');
  });
});
