import type { EngineCore } from '../../engine-core';
import type { GenerationRequest } from '../../generation-request';
import { tokenize } from '../../vocabulary';
import type { WireError } from '../../wire-error';
import { formed, type Body, type Form } from '../openai/request';
import { deserializationError, tgiErrors } from './errors';

const MOST_STOPS = 4;

/** The body of `/generate` and `/generate_stream`. Throws what is wrong with it, through `refuse`. */
export function fromNative(
  core: EngineCore,
  body: Body,
  stream: boolean,
  refuse: (error: WireError) => WireError,
): GenerationRequest {
  const parameters = (body.parameters ?? {}) as Body;
  checkTypes(parameters);
  const prompt = typeof body.inputs === 'string' ? body.inputs : JSON.stringify(body.inputs);
  const promptTokens = tokenize(prompt).length;
  const wrong = whatIsWrong(core, parameters, prompt, promptTokens, stream);
  if (wrong !== undefined) throw refuse(tgiErrors.validation(wrong));
  const { max_new_tokens: most, seed, stop, grammar, do_sample: sampled } = parameters;
  const greedy = body.parameters !== undefined && sampled !== true && parameters.temperature === undefined;
  const request: GenerationRequest = {
    prompt,
    promptTokens,
    seed: typeof seed === 'number' ? seed : greedy ? 0 : undefined,
    maxTokens: typeof most === 'number' ? most : -1,
    ignoreEos: false,
    stop: Array.isArray(stop) ? stop.map(String) : [],
    stream,
    ...(parameters.details === true && { logprobs: 0 }),
  };
  const say = formed(core, {}, request, { ownForm: () => grammarForm(grammar) });
  return say ? { ...request, say } : request;
}

function grammarForm(grammar: unknown): Form | undefined {
  const { type, value } = (grammar ?? {}) as Body;
  if (type !== 'json' && type !== 'json_schema') return undefined;
  return { schema: typeof value === 'string' ? JSON.parse(value) : value };
}

function checkTypes(parameters: Body): void {
  for (const name of ['max_new_tokens', 'temperature', 'top_p', 'top_k', 'seed', 'best_of', 'top_n_tokens']) {
    const value = parameters[name];
    if (value === undefined || value === null || typeof value === 'number') continue;
    const type = ['temperature', 'top_p'].includes(name) ? 'f32' : 'u32';
    throw deserializationError(
      `parameters.${name}: invalid type: ${typeof value} ${JSON.stringify(value)}, expected ${type}`,
      1,
    );
  }
}

function whatIsWrong(
  core: EngineCore,
  parameters: Body,
  prompt: string,
  promptTokens: number,
  stream: boolean,
): string | undefined {
  const {
    max_new_tokens: most,
    temperature,
    top_p: topP,
    top_k: topK,
    stop,
    best_of: bestOf,
    top_n_tokens: tops,
  } = parameters;
  const { ctxTokens } = core.settings;
  if (prompt === '') return '`inputs` cannot be empty';
  if (temperature !== undefined && !(Number(temperature) > 0)) return '`temperature` must be strictly positive';
  if (topP !== undefined && !(Number(topP) > 0 && Number(topP) < 1)) return '`top_p` must be > 0.0 and < 1.0';
  if (topK !== undefined && !(Number(topK) > 0)) return '`top_k` must be strictly positive';
  if (tops !== undefined && Number(tops) > 5) return `\`top_n_tokens\` must be >= 0 and <= 5. Given: ${Number(tops)}`;
  if (bestOf !== undefined && Number(bestOf) !== 1 && stream)
    return '`best_of` != 1 is not supported when streaming tokens';
  if (parameters.decoder_input_details === true && stream)
    return '`decoder_input_details` is not supported when streaming tokens';
  if (Array.isArray(stop) && stop.length > MOST_STOPS) {
    return `\`stop\` supports up to ${MOST_STOPS} stop sequences. Given: ${stop.length}`;
  }
  if (most !== undefined && !(Number(most) > 0)) return '`max_new_tokens` must be strictly positive';
  if (typeof most === 'number' && promptTokens + most > ctxTokens) {
    return `\`inputs\` tokens + \`max_new_tokens\` must be <= ${ctxTokens}. Given: ${promptTokens} \`inputs\` tokens and ${most} \`max_new_tokens\``;
  }
  return undefined;
}
