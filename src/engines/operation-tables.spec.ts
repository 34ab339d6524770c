import { describe, expect, it } from 'vitest';
import { llamacppOperations } from './llamacpp/llamacpp-operations';
import { applied, refusalOf, type OperationTable } from './operation-table';
import { sglangOperations } from './sglang/sglang-operations';
import { vllmOperations } from './vllm/vllm-operations';

const tables = {
  vllm: vllmOperations.chat as OperationTable,
  sglang: sglangOperations.chat,
  llamacpp: llamacppOperations.chat,
};
const messages = [{ role: 'user', content: 'x' }];

describe('what an engine would drop without a word', () => {
  it.each([
    ['vllm', 'grammar'],
    ['vllm', 'json_schema'],
    ['vllm', 'mirostat'],
    ['sglang', 'structured_outputs'],
    ['sglang', 'guided_json'],
    ['llamacpp', 'guided_choice'],
    ['llamacpp', 'regex'],
    ['llamacpp', 'bad_words'],
  ] as const)('is refused by name, in whose dialect it is not: %s, %s', (engine, member) => {
    const refusal = refusalOf(engine, tables[engine], { messages, [member]: 'x' });
    expect([refusal?.code, refusal?.details.field]).toEqual(['INVALID_PARAMS', member]);
    expect(refusalOf(engine, tables[engine], { messages, [member]: null })).toBeUndefined();
  });

  it.each([
    ['vllm', { guided_json: {} }, { structured_outputs: { json: {} } }],
    ['vllm', { bad_words: ['x'] }, { bad_words: ['x'] }],
    ['sglang', { regex: 'x', ebnf: 'y' }, { regex: 'x', ebnf: 'y' }],
    ['llamacpp', { grammar: 'x', dry_multiplier: 1 }, { grammar: 'x', dry_multiplier: 1 }],
  ] as const)('goes to the one whose it is: %s, %j', (engine, sent, given) => {
    expect(applied(engine, tables[engine], sent)).toEqual(given);
  });
});
