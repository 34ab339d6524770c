import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseJson, textOfDocument, textOfObjects } from './json-body';

const members = (count: number): string => `{${Array.from({ length: count }, (_, n) => `"k${n}":1`).join(',')}}`;
const items = (count: number, item: string): string => `[${Array.from({ length: count }, () => item).join(',')}]`;

describe('the text of a body', () => {
  afterEach(() => void vi.restoreAllMocks());

  it.each([
    ['members', members(16_385), 'at most 16384 members'],
    ['strings', items(32_769, '""'), 'at most 32768 strings'],
    ['numbers', items(163_841, '0'), 'at most 163840 values'],
    ['arrays', items(32_768, '[]'), 'at most 32768 objects and arrays'],
    ['numbers that lie between two doubles', items(21_846, '9e-265'), 'at most 131072 characters in its numbers'],
    ['all of it', `[${members(16_000)},${items(16_000, '""')},${items(20_000, '9e-265')}]`, 'but not of all together'],
    ['levels', '['.repeat(65) + ']'.repeat(65), 'at most 64 levels'],
    ['a member __proto__', '{"a":{"__proto__":{}}}', 'no member named __proto__'],
  ])('with too much of it is refused before anything is made of it: %s', (_, text, sentence) => {
    const parser = vi.spyOn(JSON, 'parse');
    const toText = vi.spyOn(Buffer.prototype, 'toString');
    expect(() => textOfObjects(Buffer.from(text))).toThrow(sentence);
    expect(parser).not.toHaveBeenCalled();
    expect(toText).not.toHaveBeenCalled();
  });

  it.each([
    ['members', members(16_384)],
    ['strings', items(32_768, '""')],
    ['arrays', items(32_767, '[]')],
    ['messages', items(4000, '{"role":"user","content":[{"type":"text","text":"Hello."}]}')],
    [
      'messages beside the tokens of a long context',
      `[${items(5000, '{"role":"user","name":"Ada","content":"Hello."}')},${items(131_072, '128255')}]`,
    ],
    ['numbers in full', items(6_553, '-0.12345678901234567')],
    ['the tokens of a long context', `{"tokens":${items(131_072, '128255')}}`],
    ['levels', '['.repeat(64) + ']'.repeat(64)],
    ['4 MiB of prompt', `{"prompt":"${'\\"[{:,'.repeat(700_000)}"}`],
  ])('has room for %s', (_, text) => {
    expect(textOfObjects(Buffer.from(text))?.bytes.toString()).toBe(text);
  });

  it('of a document may have any number of members, but no more levels', () => {
    expect(textOfDocument(Buffer.from(members(100_000)))).toBeDefined();
    expect(() => textOfDocument(Buffer.from('['.repeat(65)))).toThrow('at most 64 levels');
  });

  it.each(['', ' ', '\r\n\t '])('is none where only white space was sent: %j', text => {
    expect(textOfObjects(Buffer.from(text))).toBeUndefined();
  });

  it.each([
    ['a byte that begins nothing', [0xff]],
    ['a cut character', [0xe2, 0x82]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a longer form than is needed', [0xc0, 0xaf]],
  ])('is UTF-8: %s is refused', (_, bytes) => {
    const text = Buffer.concat([Buffer.from('{"prompt":"'), Buffer.from(bytes), Buffer.from('"}')]);
    expect(() => textOfObjects(text)).toThrow('not valid UTF-8');
  });

  it('that is not JSON is refused without its own words', () => {
    expect(() => parseJson('{"secret":canary}')).toThrow(/^the body is not valid JSON$/);
  });
});
