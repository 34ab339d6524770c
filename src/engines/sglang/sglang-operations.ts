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

const ignored = 'SGLang has nothing of the kind.';
const own = {
  ...othersDialects('SGLang'),
  ...ownToOpenai(ignored),
  ...passed(
    'top_k',
    'min_p',
    'min_tokens',
    'repetition_penalty',
    'stop_token_ids',
    'ignore_eos',
    'regex',
    'ebnf',
    'json_schema',
  ),
  ...passed('lora_path', 'session_params', 'routed_dp_rank', 'extra_key'),
  priority: {
    rule: 'passed',
    note: 'Larger goes first, and only where the server was started with it: there interactive tasks that name none have 1, or batch ones where it was turned round.',
  },
  repeat_penalty: { rule: 'renamed', to: 'repetition_penalty' },
  rid: { rule: 'mapped', note: 'The adapter gives each request its own, to end it by.' },
} as const;

export const sglangOperations = {
  chat: openaiTable('chat', {
    ...openaiChat,
    messages: { rule: 'mapped', note: '`reasoning` of earlier answers goes as `reasoning_content`.' },
    ...own,
    ...passed('chat_template_kwargs', 'separate_reasoning', 'stream_reasoning'),
    ...textAlone(ignored),
  }),
  completion: openaiTable('completion', {
    ...openaiCompletion,
    ...own,
    ...refusedUnless(ignored, [1], 'best_of'),
    ...refusedUnless(ignored, [''], 'suffix'),
  }),
  embedding: openaiTable('embedding', openaiEmbedding),
  rerank: openaiTable('rerank', jinaRerank),
} satisfies OperationTables;
