import { describe, expect, it } from 'vitest';
import { noUsage, sumOf, TAIL_CHARS, usageIn } from './batch-usage';
import { resultText } from '../results/result-line';

const lineOf = (body: object): string => resultText('batch_a', 1, 'one', 'batch_a.1', { kind: 'answer', body });

describe('the usage of a batch is read from its answers (B-BAT-007)', () => {
  it.each([
    [
      'a chat',
      {
        choices: [{ message: { content: '"usage":{"prompt_tokens":99}' } }],
        usage: {
          prompt_tokens: 7,
          completion_tokens: 5,
          total_tokens: 12,
          prompt_tokens_details: { cached_tokens: 3 },
          completion_tokens_details: { reasoning_tokens: 2 },
        },
      },
      { input: 7, cached: 3, output: 5, reasoning: 2 },
    ],
    ['embeddings', { data: [], usage: { prompt_tokens: 7, total_tokens: 7 } }, { ...noUsage, input: 7 }],
    [
      'a response',
      {
        tools: [{ parameters: { properties: { usage: { type: 'object' } } } }],
        usage: {
          input_tokens: 7,
          input_tokens_details: { cached_tokens: 3, cache_write_tokens: 0 },
          output_tokens: 5,
          output_tokens_details: { reasoning_tokens: 2 },
          total_tokens: 12,
        },
        completed_at: 1,
      },
      { input: 7, cached: 3, output: 5, reasoning: 2 },
    ],
    ['what does not say it', { a: 1 }, noUsage],
    ['what says something else', { usage: 'none' }, noUsage],
  ])('of %s', (_what, body, usage) => {
    expect(usageIn(lineOf(body))).toEqual(usage);
    expect(usageIn(lineOf({ text: 'é'.repeat(5000), ...body }).slice(-TAIL_CHARS))).toEqual(usage);
  });

  it('adds up', () => {
    const one = { input: 1, cached: 2, output: 3, reasoning: 4 };
    expect(sumOf(one, one)).toEqual({ input: 2, cached: 4, output: 6, reasoning: 8 });
  });
});
