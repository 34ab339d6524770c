import type { OperationTables } from '../engine-adapter.port';
import type { ParameterRule } from '../operation-table';
import { leftOut, refusedUnless } from '../wire/openai/parameters';

const ignored = 'Ollama has nothing of the kind.';

function option(to: string): ParameterRule {
  return { rule: 'renamed', to: `options.${to}` };
}

/** Bounds and sampling are `options`. Whatever else is in them is passed on, but for what would make the model load anew. */
const options: Readonly<Record<string, ParameterRule>> = {
  max_completion_tokens: option('num_predict'),
  max_tokens: option('num_predict'),
  temperature: option('temperature'),
  top_p: option('top_p'),
  top_k: option('top_k'),
  min_p: option('min_p'),
  typical_p: option('typical_p'),
  repeat_penalty: option('repeat_penalty'),
  repetition_penalty: option('repeat_penalty'),
  presence_penalty: option('presence_penalty'),
  frequency_penalty: option('frequency_penalty'),
  seed: option('seed'),
  stop: option('stop'),
  options: {
    rule: 'mapped',
    note: 'Added to the others; `num_ctx`, `num_thread`, `num_gpu` and the like are refused: they load the model anew.',
  },
};
const own: Readonly<Record<string, ParameterRule>> = {
  keep_alive: { rule: 'passed', note: 'Stays with the model for whoever comes after.' },
  response_format: { rule: 'mapped', note: '`format`: `json` or the schema.' },
  format: { rule: 'passed' },
  truncate: { rule: 'passed', note: 'false where it is not said: too long a prompt is refused, not cut in silence.' },
  think: { rule: 'passed' },
  reasoning_effort: { rule: 'mapped', note: '`think`: false for `none`, else the level.' },
  ...leftOut(ignored, 'user', 'metadata', 'store', 'service_tier', 'prompt_cache_key', 'safety_identifier'),
  ...refusedUnless(ignored, [1], 'n'),
  ...refusedUnless(ignored, [{}], 'logit_bias'),
};

export const ollamaOperations = {
  completion: {
    route: 'POST /api/generate',
    parameters: {
      prompt: {
        rule: 'mapped',
        note: 'One text; sent `raw`, so that no template is put around it. Empty ones would unload or load the model.',
      },
      ...options,
      ...own,
      logprobs: { rule: 'mapped', note: '`logprobs` and `top_logprobs`.' },
      suffix: { rule: 'passed' },
      raw: { rule: 'passed', note: 'false: with the template of the model.' },
      images: { rule: 'passed' },
      ...refusedUnless(ignored, [false], 'echo'),
      ...refusedUnless(ignored, [1], 'best_of'),
    },
    others: 'refused',
  },
  chat: {
    route: 'POST /api/chat',
    parameters: {
      messages: {
        rule: 'mapped',
        note: 'Parts of text are joined, images go as data, arguments of calls as objects, reasoning as `thinking`.',
      },
      ...options,
      ...own,
      tools: { rule: 'passed' },
      tool_choice: { rule: 'mapped', note: '`none` leaves the tools out; to require one, or one by name, is refused.' },
      logprobs: { rule: 'passed' },
      top_logprobs: { rule: 'passed', note: '20 at most.' },
      ...leftOut(ignored, 'prediction', 'verbosity'),
      ...refusedUnless('Ollama does not promise one call at a time.', [true], 'parallel_tool_calls'),
      ...refusedUnless('Use tools.', [[]], 'functions'),
      ...refusedUnless('Use tools.', [], 'function_call'),
      ...refusedUnless(ignored, [['text']], 'modalities'),
      ...refusedUnless(ignored, [], 'audio', 'web_search_options'),
    },
    others: 'refused',
  },
  embedding: {
    route: 'POST /api/embed',
    parameters: {
      input: { rule: 'mapped', note: 'Texts; lists of tokens are refused.' },
      encoding_format: { rule: 'mapped', note: 'The adapter writes base64, of 32-bit floats.' },
      dimensions: { rule: 'passed' },
      keep_alive: { rule: 'passed' },
      truncate: { rule: 'passed', note: 'false where it is not said: too long a text is refused, not cut.' },
      ...leftOut(ignored, 'user'),
    },
    others: 'refused',
  },
} satisfies OperationTables;
