import type { OperationTables } from '../engine-adapter.port';
import { leftOut, openaiTable, passed, refusedUnless } from '../wire/openai/parameters';

const ignored = 'TGI takes it and does not look at it.';
const none = 'TGI has nothing of the kind.';
const unseen = leftOut(none, 'user', 'metadata', 'store', 'service_tier', 'prompt_cache_key', 'safety_identifier');
const unable = {
  ...refusedUnless(`${ignored} One choice is what it gives.`, [1], 'n'),
  ...refusedUnless(`${ignored} Its own form of it is ignored, OpenAI's refused.`, [{}], 'logit_bias'),
  ...refusedUnless('TGI makes a repetition penalty of it.', [0], 'presence_penalty'),
};

/** Read from the sources of version 3.3. */
export const tgiOperations = {
  completion: {
    route: 'POST /generate_stream',
    parameters: {
      prompt: { rule: 'mapped', note: '`inputs`: one text, not empty.' },
      max_tokens: { rule: 'renamed', to: 'max_new_tokens' },
      max_completion_tokens: { rule: 'renamed', to: 'max_new_tokens' },
      temperature: { rule: 'mapped', note: '0 turns sampling off (`do_sample`); everything else is passed.' },
      top_p: { rule: 'mapped', note: '1 is left out, which TGI refuses.' },
      top_k: { rule: 'mapped', note: '0 is left out, which TGI refuses.' },
      repeat_penalty: { rule: 'renamed', to: 'repetition_penalty' },
      stop: { rule: 'mapped', note: 'A list; four at most.' },
      logprobs: { rule: 'mapped', note: 'Of the tokens themselves; of others up to five (`top_n_tokens`).' },
      response_format: { rule: 'mapped', note: '`grammar`, of a JSON schema.' },
      ...passed('typical_p', 'repetition_penalty', 'frequency_penalty', 'seed', 'grammar', 'adapter_id', 'truncate'),
      ...unseen,
      ...unable,
      ...refusedUnless('A stream has one.', [1], 'best_of'),
      ...refusedUnless(none, [false], 'echo'),
      ...refusedUnless(none, [''], 'suffix'),
      ...refusedUnless(none, [0], 'min_p'),
    },
    others: 'refused',
  },
  chat: openaiTable('chat', {
    ...passed('messages', 'max_tokens', 'temperature', 'frequency_penalty', 'seed', 'logprobs', 'top_logprobs'),
    ...passed('response_format', 'tools', 'tool_choice'),
    max_completion_tokens: { rule: 'renamed', to: 'max_tokens' },
    top_p: { rule: 'mapped', note: '1 is left out, which TGI refuses.' },
    stop: { rule: 'mapped', note: 'A list; four at most.' },
    ...unseen,
    ...unable,
    ...leftOut('It makes one call at a time anyway.', 'parallel_tool_calls'),
    ...leftOut(none, 'prediction', 'verbosity'),
    ...refusedUnless(none, [], 'reasoning_effort', 'audio', 'web_search_options', 'function_call'),
    ...refusedUnless(none, [[]], 'functions'),
    ...refusedUnless(none, [['text']], 'modalities'),
    ...refusedUnless(none, [0], 'top_k', 'min_p'),
    ...refusedUnless(none, [1], 'repeat_penalty', 'repetition_penalty'),
  }),
} satisfies OperationTables;
