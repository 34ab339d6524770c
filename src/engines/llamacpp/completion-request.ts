import type { EngineRequest } from '../engine-adapter.port';

/** What is read of the last frame. Without this the server sends all its settings with it, and the prompt once more. */
const RESPONSE_FIELDS = ['content', 'stop', 'stop_type', 'model', 'tokens_predicted', 'tokens_evaluated', 'timings'];

/**
 * The body of `POST /completion`; an absent field is left to the server's own default. A router needs `model`, a server with
 * one model does not look at it. Progress in the prompt is asked for because a server that has nothing to send does not notice
 * that its client has gone (older servers do not know the field, and do not mind). The server's JSON parser refuses lone surrogates, so texts are made well formed.
 */
export function completionBody({ model, prompt, maxTokens, sampling }: EngineRequest): string {
  return JSON.stringify({
    model,
    prompt: prompt.toWellFormed(),
    n_predict: maxTokens,
    stream: true,
    cache_prompt: true,
    return_progress: true,
    response_fields: RESPONSE_FIELDS,
    seed: sampling.seed,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    repeat_penalty: sampling.repeatPenalty,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    stop: sampling.stop?.map(word => word.toWellFormed()),
  });
}
