import { describe, expect, it } from 'vitest';
import { workOf } from './task-work';

const messages = [{ role: 'user', content: 'Hello' }];
const madeOf = (task: object) => workOf(task);
const bodyOf = (task: object): unknown => JSON.parse(madeOf(task).body ?? 'null');

describe('the work of a task', () => {
  it('is a plain prompt as long as nothing else is asked for', () => {
    expect(madeOf({ prompt: 'x', temperature: 1 })).toEqual({ operation: 'completion', prompt: 'x', maxTokens: 256 });
    expect(madeOf({ inputs: ['x', 'y'], workload: 'completion' })).toMatchObject({ prompt: 'x\ny' });
    expect(madeOf({ prompt: '\ud800', max_tokens: 3 })).toMatchObject({ prompt: '\ufffd', maxTokens: 3 });
  });

  it('is a body for the engine otherwise, with the names that a task has and what was carried', () => {
    const grammar = { temperature: 0, stop: ['a'], grammar: 'root ::= "a"' };
    expect(bodyOf({ prompt: 'x', ...grammar })).toEqual({ prompt: 'x', max_tokens: 256, ...grammar });
    expect(bodyOf({ messages, tools: [], seed: 1, session_id: 's' })).toEqual({
      messages,
      max_tokens: 256,
      seed: 1,
      tools: [],
    });
    expect(bodyOf({ operation: 'embedding', input: [1, 2] })).toEqual({ input: [1, 2] });
    const ranks = { query: 'q', documents: ['a'], top_n: 1 };
    expect(bodyOf(ranks)).toEqual(ranks);
  });

  it('bounds the tokens of all choices together, and counts what has none as one', () => {
    expect(madeOf({ messages, n: 3, max_tokens: 5 }).maxTokens).toBe(15);
    expect(madeOf({ query: 'q', documents: ['a'] }).maxTokens).toBe(1);
  });

  it('is named by its members, and by the older name of an operation', () => {
    expect(
      [{ messages }, { query: 'q', documents: ['a'] }, { workload: 'embedding', input: 'x' }].map(
        task => madeOf(task).operation,
      ),
    ).toEqual([...['chat', 'rerank', 'embedding']]);
  });

  it.each([
    [{}, 'prompt'],
    [{ prompt: 'x', inputs: 'x' }, 'inputs'],
    [{ prompt: 'x', messages }, 'prompt'],
    [{ operation: 'completion', messages }, 'messages'],
    [{ operation: 'chat', workload: 'rerank', messages }, 'workload'],
    [{ input: 'x' }, 'input'],
    [{ messages, suffix: 'x' }, 'suffix'],
    [{ query: 'q', documents: ['a'], stop: ['a'] }, 'stop'],
    [{ query: 'q', documents: ['a'], dimensions: 5 }, 'dimensions'],
  ])('is refused by name where it contradicts itself: %j', (task, field) => {
    expect(() => madeOf(task)).toThrow(
      expect.objectContaining({
        code: 'INVALID_PARAMS',
        details: expect.objectContaining({ field }) as unknown,
      }) as Error,
    );
  });
});
