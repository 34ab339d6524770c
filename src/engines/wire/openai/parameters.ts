import type { OperationTable, ParameterRule } from '../../operation-table';
import { openaiRoutes } from './openai-request';

type Rules = Readonly<Record<string, ParameterRule>>;

export function passed(...names: readonly string[]): Rules {
  return Object.fromEntries(names.map(name => [name, { rule: 'passed' }] as const));
}

export function leftOut(note: string, ...names: readonly string[]): Rules {
  return Object.fromEntries(names.map(name => [name, { rule: 'left-out', note }] as const));
}

export function refusedUnless(reason: string, unless: readonly unknown[], ...names: readonly string[]): Rules {
  return Object.fromEntries(names.map(name => [name, { rule: 'refused', reason, unless }] as const));
}

const sampling = passed(
  'temperature',
  'top_p',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'seed',
  'stop',
  'n',
);

/** OpenAI's own members. */
export const openaiChat: Rules = {
  ...passed('messages', 'max_tokens', 'max_completion_tokens'),
  ...sampling,
  ...passed('logprobs', 'top_logprobs', 'response_format', 'tools', 'tool_choice', 'parallel_tool_calls', 'functions'),
  ...passed(
    'function_call',
    'reasoning_effort',
    'verbosity',
    'modalities',
    'audio',
    'prediction',
    'web_search_options',
  ),
  ...passed('user', 'safety_identifier', 'prompt_cache_key', 'metadata', 'store', 'service_tier'),
};
/** The older route knows one name for the bound. */
const oneBound: Rules = { max_completion_tokens: { rule: 'renamed', to: 'max_tokens' } };
export const openaiCompletion: Rules = {
  ...passed('prompt', 'max_tokens'),
  ...oneBound,
  ...sampling,
  ...passed('logprobs', 'echo', 'suffix', 'best_of', 'user'),
};
export const openaiEmbedding: Rules = passed('input', 'dimensions', 'encoding_format', 'user');
/** Jina's, which others copy. */
export const jinaRerank: Rules = passed('query', 'documents', 'top_n', 'return_documents');

/** A table for a server of OpenAI's API: unknown members are passed on, for servers of that API have many of their own. */
export function openaiTable(operation: keyof typeof openaiRoutes, parameters: Rules): OperationTable {
  return { route: `POST ${openaiRoutes[operation]}`, parameters, others: 'passed' };
}
