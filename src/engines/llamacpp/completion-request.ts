import type { EngineRequest } from '../engine-adapter.port';

/** The body of `POST /completion`; an absent field is left to the server's own default. */
export function completionBody(request: EngineRequest, model: string | undefined): string {
  const { sampling } = request;
  return JSON.stringify({
    ...(model !== undefined && { model }),
    prompt: request.prompt,
    n_predict: request.maxTokens,
    stream: true,
    cache_prompt: true,
    seed: sampling.seed,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    repeat_penalty: sampling.repeatPenalty,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    stop: sampling.stop,
  });
}
