import type { EngineRequest } from '../engine-adapter.port';

/** What is read of the last frame. Without this the server sends all its settings with it, and the prompt once more. */
const RESPONSE_FIELDS = ['content', 'stop', 'stop_type', 'model', 'tokens_predicted', 'tokens_evaluated', 'timings'];

/**
 * The body of `POST /completion`; an absent field is left to the server's own default. A router needs `model`, a server with
 * one model does not look at it. Progress in the prompt is asked for because a server that has nothing to send does not notice
 * that its client has gone (older servers do not know the field, and do not mind). The server's JSON parser refuses lone surrogates, so texts are made well formed.
 */
export function completionBody({ model, work: { body } }: EngineRequest): string {
  const { prompt, max_tokens: maxTokens, stop, ...others } = body;
  return JSON.stringify({
    model,
    prompt: wellFormed(prompt),
    n_predict: maxTokens,
    stream: true,
    cache_prompt: true,
    return_progress: true,
    response_fields: RESPONSE_FIELDS,
    // The others have the names that the server has for them.
    ...others,
    stop: Array.isArray(stop) ? stop.map(wellFormed) : stop,
  });
}

function wellFormed(text: unknown): unknown {
  return typeof text === 'string' ? text.toWellFormed() : text;
}
