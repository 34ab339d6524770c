import type { OperationTables } from '../engine-adapter.port';
import {
  jinaRerank,
  openaiChat,
  openaiCompletion,
  openaiEmbedding,
  openaiTable,
  othersDialects,
  ownToOpenai,
  passed,
  refusedUnless,
  textAlone,
} from '../wire/openai/parameters';

/** Taken and not looked at by the server, as recorded (vLLM 0.32): what would change the answer is refused instead. */
const ignored = 'vLLM takes it and does not look at it.';
const own = {
  ...othersDialects('vLLM'),
  ...ownToOpenai(ignored),
  ...passed('top_k', 'min_p', 'repetition_penalty', 'min_tokens', 'ignore_eos', 'stop_token_ids', 'structured_outputs'),
  ...passed('cache_salt', 'truncate_prompt_tokens', 'allowed_token_ids', 'bad_words', 'prompt_logprobs'),
  priority: {
    rule: 'passed',
    note: 'Smaller goes first, where the server was started with it. A batch task that names none has 1.',
  },
  repeat_penalty: { rule: 'renamed', to: 'repetition_penalty' },
  guided_json: { rule: 'renamed', to: 'structured_outputs.json', note: 'The old name is ignored by newer servers.' },
  guided_regex: { rule: 'renamed', to: 'structured_outputs.regex' },
  guided_choice: { rule: 'renamed', to: 'structured_outputs.choice' },
  guided_grammar: { rule: 'renamed', to: 'structured_outputs.grammar' },
} as const;

export const vllmOperations: OperationTables = {
  chat: openaiTable('chat', {
    ...openaiChat,
    messages: { rule: 'mapped', note: '`reasoning_content` of earlier answers goes as `reasoning`.' },
    ...own,
    ...passed('chat_template_kwargs', 'include_reasoning', 'thinking_token_budget'),
    ...textAlone(ignored),
  }),
  completion: openaiTable('completion', {
    ...openaiCompletion,
    ...own,
    ...refusedUnless(ignored, [1], 'best_of'),
    ...refusedUnless('vLLM does not complete between two texts.', [''], 'suffix'),
  }),
  embedding: openaiTable('embedding', {
    ...openaiEmbedding,
    ...passed('truncate_prompt_tokens', 'normalize', 'priority'),
  }),
  rerank: openaiTable('rerank', {
    ...jinaRerank,
    ...passed('truncate_prompt_tokens', 'priority'),
    ...refusedUnless('vLLM sends the documents back all the same.', [true], 'return_documents'),
  }),
};
