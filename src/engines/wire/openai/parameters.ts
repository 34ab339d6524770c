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

/** What only OpenAI's own service looks at: it changes nothing of an answer. */
export function ownToOpenai(note: string): Rules {
  return leftOut(note, ...['metadata', 'store', 'service_tier', 'prompt_cache_key', 'safety_identifier', 'prediction']);
}

/** What would be another answer of a chat than text, and the older words for tools. */
export function textAlone(reason: string): Rules {
  return {
    ...leftOut(reason, 'verbosity'),
    ...refusedUnless(`${reason} Use tools.`, [[]], 'functions'),
    ...refusedUnless(`${reason} Use tool_choice.`, [], 'function_call'),
    ...refusedUnless(reason, [['text']], 'modalities'),
    ...refusedUnless(reason, [], 'audio', 'web_search_options'),
  };
}

/** Members of one engine or another that steer what it puts out, and that all others drop without a word. */
const dialects = [
  ...['grammar', 'json_schema', 'regex', 'ebnf', 'structured_outputs'],
  ...['guided_json', 'guided_regex', 'guided_choice', 'guided_grammar'],
  ...['mirostat', 'mirostat_tau', 'mirostat_eta', 'typical_p', 'tfs_z', 'top_a', 'top_n_sigma', 'samplers'],
  ...['dry_multiplier', 'dry_base', 'dry_allowed_length', 'dry_penalty_last_n', 'dry_sequence_breakers'],
  ...['xtc_probability', 'xtc_threshold', 'dynatemp_range', 'dynatemp_exponent', 'no_repeat_ngram_size'],
  ...['allowed_token_ids', 'bad_words', 'prompt_logprobs'],
] as const;

/** Those that an engine has nothing of: what stands after them in its table goes before. */
export function othersDialects(engine: string): Rules {
  return refusedUnless(`${engine} has nothing of the kind.`, [], ...dialects);
}

/** A table for a server of OpenAI's API: unknown members are passed on, for servers of that API have many of their own. */
export function openaiTable(operation: keyof typeof openaiRoutes, parameters: Rules): OperationTable {
  return { route: `POST ${openaiRoutes[operation]}`, parameters, others: 'passed' };
}
