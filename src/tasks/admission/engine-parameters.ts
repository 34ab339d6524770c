import type { Refusal } from '../../http/fields/refused-members';

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
  input: 'inputs',
};

/** Those whose usual value changes nothing, so that it may stand. */
const idleValues: Readonly<Record<string, unknown>> = {
  n: 1,
  best_of: 1,
  echo: false,
  logprobs: false,
  ignore_eos: false,
  cache_prompt: true,
};

/** What steers engines (llama.cpp, vLLM, SGLang, TGI, Ollama, the OpenAI API) and is passed on to none yet. */
const notYet = [
  // The form of the output.
  'grammar grammar_lazy grammar_triggers json_schema response_format format regex ebnf structural_tag structured_outputs',
  'guided_json guided_regex guided_choice guided_grammar guided_decoding_backend preserved_tokens',
  // How many outputs, and what is told of their tokens.
  'n n_cmpl best_of num_beams use_beam_search length_penalty early_stopping echo suffix return_full_text',
  'logprobs top_logprobs n_probs prompt_logprobs post_sampling_probs top_n_tokens decoder_input_details details',
  'return_tokens return_token_ids return_tokens_as_token_ids',
  // Which tokens may come, and when it stops.
  'logit_bias allowed_token_ids bad_words logits_processors ignore_eos min_tokens min_new_tokens stop_token_ids',
  'include_stop_str_in_output skip_special_tokens spaces_between_special_tokens add_special_tokens n_indent t_max_predict_ms',
  // Sampling.
  'typical_p top_a tfs_z top_n_sigma min_keep dynatemp_range dynatemp_exponent xtc_probability xtc_threshold',
  'mirostat mirostat_tau mirostat_eta repeat_last_n penalize_nl no_repeat_ngram_size adaptive_target adaptive_decay',
  'dry_multiplier dry_base dry_allowed_length dry_penalty_last_n dry_sequence_breakers samplers do_sample watermark',
  // The prompt, its cache and its place.
  'cache_prompt n_cache_reuse n_keep n_discard id_slot truncate truncate_prompt_tokens input_prefix input_suffix input_extra',
  'lora adapter_id keep_alive cache_salt',
  // Chats, pictures, thoughts, tools.
  'messages system system_prompt template raw chat_template chat_template_kwargs add_generation_prompt',
  'continue_final_message tools tool_choice parallel_tool_calls functions function_call images image_data multimodal_data',
  'audio documents reasoning reasoning_effort reasoning_format reasoning_budget_tokens thinking thinking_budget_tokens think',
  'enable_thinking include_reasoning',
  // Parameters within a parameter.
  'options parameters sampling_params extra_body',
].flatMap(line => line.split(' '));

/**
 * Members of a task that mean something to engines and do not work: dropped without a word, they would leave their sender with an
 * output of another kind than was asked for. One that works leaves this list.
 */
export const engineParameters: ReadonlyMap<string, Refusal> = new Map<string, Refusal>([
  ...Object.entries(namesElsewhere).map(([name, ours]): [string, Refusal] => [name, { advice: `say it as ${ours}` }]),
  ...notYet.map((name): [string, Refusal] => [name, { advice: 'leave it out', idle: idleValues[name] }]),
]);
