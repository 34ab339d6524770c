import type { Operation } from '../../engines/engine-adapter.port';
import type { Carried } from '../../http/fields/carried-members';
import type { Refusal } from '../../http/fields/refused-members';
import { MAX_CHOICES } from '../task/work-body';

const words = (...lines: readonly string[]): readonly string[] => lines.flatMap(line => line.split(' '));

/** Steers an engine that puts out text; which of them an engine knows, and by which name, its adapter says. */
const ofText = words(
  // The form of the output.
  'response_format grammar json_schema regex ebnf structural_tag structured_outputs',
  'guided_json guided_regex guided_choice guided_grammar guided_decoding_backend',
  // How many outputs, and what is told of their tokens.
  'n logprobs top_logprobs prompt_logprobs return_tokens_as_token_ids return_token_ids',
  // Which tokens may come, and when it stops.
  'logit_bias allowed_token_ids bad_words ignore_eos min_tokens stop_token_ids include_stop_str_in_output',
  'skip_special_tokens spaces_between_special_tokens add_special_tokens',
  // Sampling.
  'typical_p top_a tfs_z top_n_sigma min_keep dynatemp_range dynatemp_exponent xtc_probability xtc_threshold',
  'mirostat mirostat_tau mirostat_eta repeat_last_n penalize_nl no_repeat_ngram_size',
  'dry_multiplier dry_base dry_allowed_length dry_penalty_last_n dry_sequence_breakers samplers',
  // The prompt and its cache.
  'cache_prompt cache_salt truncate_prompt_tokens lora',
);
const ofCompletions = words('echo suffix best_of');
const ofChats = words(
  'tools tool_choice parallel_tool_calls functions function_call modalities audio prediction verbosity web_search_options',
  'reasoning_effort reasoning_format thinking_budget_tokens include_reasoning think',
  'chat_template chat_template_kwargs add_generation_prompt continue_final_message',
);

/** What goes to the engine beside the work, by operation. */
const parametersOf: Readonly<Record<Operation, ReadonlySet<string>>> = {
  completion: new Set([...ofText, ...ofCompletions]),
  chat: new Set([...ofText, ...ofChats]),
  embedding: new Set(words('encoding_format dimensions truncate_prompt_tokens')),
  rerank: new Set(words('top_n return_documents truncate_prompt_tokens')),
};

/** Those whose usual value changes nothing, so that it may stand anywhere. */
const idleValues: Readonly<Record<string, unknown>> = {
  n: 1,
  best_of: 1,
  echo: false,
  logprobs: false,
  ignore_eos: false,
  cache_prompt: true,
};

const any = { accepts: () => true, must: 'be there' };
const MAX_TOOLS = 1024;
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const list = {
  accepts: (value: unknown) => Array.isArray(value) && value.length <= MAX_TOOLS && value.every(isObject),
  must: `be a list of at most ${MAX_TOOLS} objects`,
};
const object = { accepts: isObject, must: 'be an object' };
/** An engine is given what it cannot take, too, and says so; these are what the service counts, or what would break another engine. */
const forms: Readonly<Record<string, Omit<Carried, 'idle'>>> = {
  n: {
    accepts: value => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_CHOICES,
    must: `be an integer from 1 to ${MAX_CHOICES}`,
  },
  encoding_format: { accepts: value => value === 'float' || value === 'base64', must: 'be float or base64' },
  tools: list,
  functions: list,
  response_format: object,
  chat_template_kwargs: object,
};

/** Members of a task that go to the engine as they are. */
export const carriedParameters: ReadonlyMap<string, Carried> = new Map(
  Object.values(parametersOf).flatMap(names =>
    [...names].map((name): [string, Carried] => [name, { ...(forms[name] ?? any), idle: idleValues[name] }]),
  ),
);

/** Whether a carried member says anything to an engine that does this. */
export function isParameterOf(operation: Operation, name: string): boolean {
  return parametersOf[operation].has(name);
}

/** Under these names others take what a task has a name of its own for. */
const namesElsewhere: Readonly<Record<string, string>> = {
  model: 'model_ref',
  n_predict: 'max_tokens',
  num_predict: 'max_tokens',
  max_new_tokens: 'max_tokens',
  max_completion_tokens: 'max_tokens',
  max_output_tokens: 'max_tokens',
  temp: 'temperature',
  repetition_penalty: 'repeat_penalty',
  stop_sequences: 'stop',
  n_ctx: 'ctx',
  num_ctx: 'ctx',
  n_cmpl: 'n',
  n_probs: 'logprobs',
  min_new_tokens: 'min_tokens',
};

/** What steers engines (llama.cpp, vLLM, SGLang, TGI, Ollama) and is passed on to none: a task has no place for what it does. */
const nowhere = words(
  'grammar_lazy grammar_triggers format preserved_tokens num_beams use_beam_search length_penalty early_stopping return_full_text',
  'post_sampling_probs top_n_tokens decoder_input_details details return_tokens logits_processors n_indent t_max_predict_ms',
  'adaptive_target adaptive_decay do_sample watermark n_cache_reuse n_keep n_discard id_slot truncate',
  'input_prefix input_suffix input_extra adapter_id keep_alive system system_prompt template raw',
  'images image_data multimodal_data reasoning reasoning_budget_tokens thinking enable_thinking',
  // Parameters within a parameter.
  'options parameters sampling_params extra_body',
);
const advices: Readonly<Record<string, string>> = {
  system: 'say it in messages',
  system_prompt: 'say it in messages',
  images: 'put them into messages, as parts of the type image_url',
  image_data: 'put them into messages, as parts of the type image_url',
  format: 'say it as response_format',
};

/**
 * Members of a task that mean something to engines and do not work: dropped without a word, they would leave their sender with an
 * output of another kind than was asked for. One that works is in {@link carriedParameters}.
 */
export const refusedParameters: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  ...Object.entries(namesElsewhere).map(([name, ours]): [string, Refusal] => [name, { advice: `say it as ${ours}` }]),
  ...nowhere.map((name): [string, Refusal] => [name, { advice: advices[name] ?? 'leave it out' }]),
]);
