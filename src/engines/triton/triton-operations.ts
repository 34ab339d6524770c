import type { OperationTables } from '../engine-adapter.port';
import type { ParameterRule } from '../operation-table';
import { leftOut, refusedUnless } from '../wire/openai/parameters';

const none = 'Triton has nothing of the kind.';

function input(names: string): ParameterRule {
  return { rule: 'mapped', note: `${names}, where the model has the input; refused where it has not.` };
}

/**
 * Each model has inputs of its own. Those of the vLLM backend (`sampling_parameters`, one JSON text) and of TensorRT-LLM's ensemble (an
 * input each) are known; a member that the model has no input for is refused, for Triton would take it for a parameter and say nothing.
 */
export const tritonOperations = {
  completion: {
    route: 'POST /v2/models/{model}/generate_stream',
    parameters: {
      prompt: { rule: 'mapped', note: '`text_input`: one text.' },
      max_tokens: input('`max_tokens`'),
      max_completion_tokens: input('`max_tokens`'),
      temperature: input('`temperature`'),
      top_p: input('`top_p`'),
      top_k: input('`top_k`'),
      min_p: input('`min_p`'),
      repeat_penalty: input('`repetition_penalty`'),
      repetition_penalty: input('`repetition_penalty`'),
      presence_penalty: input('`presence_penalty`'),
      frequency_penalty: input('`frequency_penalty`'),
      seed: input('`random_seed`, or `seed` of `sampling_parameters`'),
      stop: input('`stop_words`, or `stop` of `sampling_parameters`'),
      ...leftOut(none, 'user', 'metadata', 'store', 'service_tier', 'prompt_cache_key', 'safety_identifier'),
      ...refusedUnless('Its stream cannot tell one choice from another.', [1], 'n', 'best_of'),
      ...refusedUnless(none, [false], 'echo', 'logprobs'),
      ...refusedUnless(none, [''], 'suffix'),
      ...refusedUnless(none, [{}], 'logit_bias'),
    },
    others: 'refused',
  },
} satisfies OperationTables;
