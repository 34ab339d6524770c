import type { EngineRequest } from '../engine-adapter.port';
import type { Body } from '../operation-table';

/** What is read of the last frame. Without this the server sends all its settings with it, and the prompt once more. */
const RESPONSE_FIELDS = ['content', 'stop', 'stop_type', 'model', 'tokens_predicted', 'tokens_evaluated', 'timings'];

/**
 * The body of `POST /completion`; an absent field is left to the server's own default. A router needs `model`, a server with
 * one model does not look at it. Progress in the prompt is asked for because a server that has nothing to send does not notice
 * that its client has gone (older servers do not know the field, and do not mind). The server's JSON parser refuses lone surrogates, so texts are made well formed.
 */
export function completionBody({ model, work: { body } }: EngineRequest): string {
  const {
    prompt,
    max_tokens: maxTokens,
    max_completion_tokens: bound,
    repetition_penalty: penalty,
    stop,
    ...others
  } = body;
  return JSON.stringify({
    model,
    prompt: wellFormed(prompt),
    n_predict: maxTokens ?? bound,
    stream: true,
    cache_prompt: true,
    return_progress: true,
    response_fields: RESPONSE_FIELDS,
    // The others have the names that the server has for them.
    repeat_penalty: penalty,
    ...others,
    stop: Array.isArray(stop) ? stop.map(wellFormed) : stop,
  });
}

/** Whether the native route can do it: one prompt as text, one choice, and nothing that only OpenAI's form has. */
export function isNative({ prompt, n, logprobs, response_format: format, logit_bias: bias }: Body): boolean {
  const isPlain = typeof prompt === 'string' && (typeof n !== 'number' || n <= 1);
  return isPlain && (logprobs ?? false) === false && !format && (!bias || Array.isArray(bias));
}

function wellFormed(text: unknown): unknown {
  return typeof text === 'string' ? text.toWellFormed() : text;
}
