import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseJson } from './engine-json';

const MIB = 1024 * 1024;

/** As many repetitions as fill four mebibytes. */
const filled = (piece: (n: number) => string, before = '', after = ''): string => {
  const pieces = [before];
  for (let n = 0, length = 0; length < 4 * MIB; n++) length += pieces[pieces.push(piece(n)) - 1]?.length ?? 0;
  return [...pieces, after].join('');
};

afterEach(() => vi.restoreAllMocks());

describe('parseJson', () => {
  it.each([
    ['brackets', filled(() => '[')],
    ['brackets that are closed again', '['.repeat(2 * MIB) + ']'.repeat(2 * MIB)],
    ['objects in objects', filled(() => '{"a":')],
    ['arrays beside each other', filled(() => '[],', '[', '0]')],
    ['objects of many shapes', filled(n => `{"k${n}":1},`, '[', '0]')],
    ['members', filled(n => `"k${n}":1,`, '{', '"z":1}')],
    ['numbers', filled(() => '0,', '[', '0]')],
    ['brackets behind a text that looks closed', `["\\\\\\"${'x'.repeat(100)}",${'['.repeat(MIB)}`],
    ['brackets behind a text that ends in a backslash', `["x\\\\",${'['.repeat(MIB)}`],
  ])('gives four mebibytes of %s to no parser', (_, text) => {
    const parse = vi.spyOn(JSON, 'parse');
    expect(parseJson(text)).toBeUndefined();
    expect(parse).not.toHaveBeenCalled();
  });

  it('reads what an engine can say, brackets in its texts included', () => {
    const models = Array.from({ length: 1024 }, (_, n) => ({
      id: `model-${n}`,
      status: { value: 'loaded', args: ['--model', '[[[{{{'.repeat(100), '"\\"', '\\'] },
    }));
    const slots = Array.from({ length: 256 }, (_, id) => ({
      id,
      params: Object.fromEntries(models.slice(0, 100).map(({ id: name }) => [name, 1])),
    }));
    for (const value of [{ data: models }, slots, { prompt: '{'.repeat(8 * MIB), stop: true }]) {
      expect(parseJson(JSON.stringify(value))).toEqual(value);
    }
  });

  it('reads the logprobs of a long prompt that an engine repeats', () => {
    const tokens = Array.from({ length: 13_000 }, (_, n) => `t${n}`);
    const token_logprobs = tokens.map((_, n) => -12 * Math.sin(n + 1) ** 2);
    const top_logprobs = tokens.map((token, n) => ({ [token]: token_logprobs[n] }));
    const answer = { choices: [{ index: 0, logprobs: { tokens, token_logprobs, top_logprobs } }] };
    expect(parseJson(JSON.stringify(answer))).toEqual(answer);
  });

  it('is undefined for what is not JSON, a text without its end included', () => {
    for (const text of ['', '{', `"${'x'.repeat(MIB)}`, `"${'\\'.repeat(MIB)}`])
      expect(parseJson(text)).toBeUndefined();
  });
});
