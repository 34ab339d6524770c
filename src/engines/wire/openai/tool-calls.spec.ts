import { describe, expect, it } from 'vitest';
import { ToolCalls } from './tool-calls';

const named = (name: string, more: object = {}) => ({ ...more, function: { name, arguments: '' } });
const piece = (text: string, more: object = {}) => ({ ...more, function: { arguments: text } });

/** The fragments of one stream, each repaired. */
function repaired(...fragments: readonly object[]): object[] {
  const calls = new ToolCalls();
  return fragments.flatMap(fragment => calls.repaired([fragment]));
}

describe('fragments of tool calls', () => {
  it('are left as they are where nothing is wrong with them', () => {
    const fragments = [
      named('a', { index: 0, id: 'x', type: 'function' }),
      piece('{}', { index: 0 }),
      named('b', { index: 1, id: 'y', type: 'function' }),
      piece('[]', { index: 1 }),
    ];
    expect(repaired(...fragments)).toEqual(fragments);
  });

  it('without an index are told apart by their ids and names', () => {
    expect(repaired(named('a', { id: 'x' }), piece('{}'), named('b', { id: 'y' }), piece('[]'))).toMatchObject([
      { index: 0, id: 'x', type: 'function' },
      { index: 0, function: { arguments: '{}' } },
      { index: 1, id: 'y' },
      { index: 1, function: { arguments: '[]' } },
    ]);
  });

  it('that all have the index 0 are calls of their own where they have ids of their own', () => {
    const [first, second] = repaired(named('a', { index: 0, id: 'x' }), named('a', { index: 0, id: 'y' }));
    expect(first).toMatchObject({ index: 0, id: 'x' });
    expect(second).toMatchObject({ index: 1, id: 'y' });
  });

  it('tell id, type and name once, though the engine tells them with every fragment', () => {
    const [, second] = repaired(named('a', { index: 0, id: '0', type: 'function' }), {
      index: 0,
      id: '0',
      type: 'function',
      function: { name: null, arguments: '{' },
    });
    expect(second).toEqual({ index: 0, function: { arguments: '{' } });
  });

  it('with an id anew for every fragment are those of one call', () => {
    const [, second] = repaired(named('a', { index: 0, id: 'x' }), piece('{}', { index: 0, id: 'z' }));
    expect(second).toEqual({ index: 0, function: { arguments: '{}' } });
  });

  it('get an id where the engine gives none', () => {
    const [first, second] = repaired(named('a', { index: 0 }), piece('{}', { index: 0 }));
    expect(first).toMatchObject({ index: 0, id: expect.stringMatching(/^call_[0-9a-f]{32}$/) as string });
    expect(second).not.toHaveProperty('id');
  });

  it('have their arguments as text, also where the engine gives them whole', () => {
    const [call] = repaired({ index: 0, id: 'x', function: { name: 'a', arguments: { city: 'Paris' } } });
    expect(call).toMatchObject({ function: { name: 'a', arguments: '{"city":"Paris"}' } });
  });

  it('are bounded, and what is none is none', () => {
    const calls = new ToolCalls();
    const many = Array.from({ length: 5000 }, (_, at) => named('a', { index: at, id: `x${at}` }));
    expect(calls.repaired(many)).toHaveLength(1024);
    expect(calls.repaired('nonsense')).toEqual([]);
  });
});
