import type { OperationTables } from '../engine-adapter.port';
import {
  leftOut,
  openaiTable,
  othersDialects,
  ownToOpenai,
  passed,
  refusedUnless,
  textAlone,
} from '../wire/openai/parameters';

/** As recorded of a server of late 2026. */
const ignored = 'llama.cpp takes it and does not look at it.';
const sampling = {
  ...othersDialects('llama.cpp'),
  ...passed('temperature', 'top_p', 'presence_penalty', 'frequency_penalty', 'logit_bias', 'seed', 'stop'),
  n: { rule: 'passed', note: 'As many as the server has slots.' },
  ...passed(
    'top_k',
    'min_p',
    'typical_p',
    'repeat_penalty',
    'repeat_last_n',
    'mirostat',
    'mirostat_tau',
    'mirostat_eta',
  ),
  ...passed('grammar', 'json_schema', 'samplers', 'cache_prompt', 'id_slot', 'lora', 'top_n_sigma'),
  ...passed('dry_multiplier', 'dry_base', 'dry_allowed_length', 'dry_penalty_last_n', 'dry_sequence_breakers'),
  ...passed('xtc_probability', 'xtc_threshold', 'dynatemp_range', 'dynatemp_exponent'),
  repetition_penalty: { rule: 'renamed', to: 'repeat_penalty' },
} as const;
const unseen = { ...leftOut(ignored, 'user'), ...ownToOpenai(ignored) };

export const llamacppOperations = {
  completion: {
    route: 'POST /completion; POST /v1/completions for several choices or prompts, logprobs and response formats',
    parameters: {
      ...passed('prompt', 'logprobs', 'response_format'),
      max_tokens: { rule: 'mapped', note: '`n_predict` on the native route.' },
      max_completion_tokens: { rule: 'renamed', to: 'max_tokens' },
      ...sampling,
      ...unseen,
      ...refusedUnless(ignored, [false], 'echo'),
      ...refusedUnless(ignored, [1], 'best_of'),
      ...refusedUnless(`${ignored} It has /infill for that.`, [''], 'suffix'),
    },
    others: 'passed',
  },
  chat: openaiTable('chat', {
    ...passed('messages', 'max_tokens', 'max_completion_tokens'),
    ...sampling,
    ...passed('logprobs', 'top_logprobs', 'response_format', 'tools', 'parallel_tool_calls', 'reasoning_effort'),
    ...passed('chat_template_kwargs', 'reasoning_format', 'thinking_budget_tokens'),
    tool_choice: {
      rule: 'mapped',
      note: 'The name of a function is taken and not kept: so only that tool is offered, and a call required.',
    },
    ...unseen,
    ...textAlone(ignored),
  }),
  embedding: openaiTable('embedding', {
    ...passed('input', 'encoding_format'),
    ...unseen,
    ...refusedUnless(ignored, [], 'dimensions'),
  }),
  rerank: openaiTable('rerank', {
    ...passed('query', 'documents', 'top_n'),
    ...refusedUnless('llama.cpp does not send documents back.', [false], 'return_documents'),
  }),
} satisfies OperationTables;
