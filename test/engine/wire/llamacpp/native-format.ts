import type { GeneratedToken } from '../../token-source';
import type { RunResult, RunState } from '../../run-times';
import { nativeRefusals } from './errors';
import { frame, type OutputFormat } from '../../output-format';

/** llama.cpp's own API, `/completion`. */
const nativeFormat: OutputFormat = {
  refusals: nativeRefusals,
  headAt: 'output',

  progress(run, processed) {
    const timeMs = processed === 0 ? 0 : Math.round(run.times.promptMs);
    return [
      frame({
        ...partial(run, '', [0], 0),
        ...(run.request.timingsPerToken && { timings: run.times.toWire(processed, 0) }),
        prompt_progress: { total: run.request.promptTokens, cache: 0, processed, time_ms: timeMs },
      }),
    ];
  },

  token(run, token: GeneratedToken) {
    const body = partial(run, token.text, [token.id], run.source.produced);
    if (!run.request.timingsPerToken) return frame(body);
    return frame({ ...body, timings: run.times.toWire(run.request.promptTokens, run.source.produced) });
  },

  closing: result => [frame(whole(result, '', []))],

  end: () => [],

  plain(results) {
    const bodies = results.map(result => whole(result, result.source.text, result.source.tokenIds));
    return bodies.length === 1 && bodies[0] ? bodies[0] : bodies;
  },
};

/** Several prompts in one request: their stream begins with a null. */
export function nativeFormatOf(prompts: number): OutputFormat {
  if (prompts === 1) return nativeFormat;
  let begun = false;
  return {
    ...nativeFormat,
    token(run, token) {
      const opening = begun ? [] : [frame('null')];
      begun = true;
      return [...opening, ...[nativeFormat.token(run, token)].flat()];
    },
  };
}

function partial(run: RunState, content: string, tokens: number[], predicted: number): object {
  return {
    index: run.index,
    content,
    tokens,
    stop: false,
    id_slot: -1,
    tokens_predicted: predicted,
    tokens_evaluated: run.request.promptTokens,
  };
}

function whole(
  { index, request, source, slot, model, times, ending }: RunResult,
  content: string,
  tokens: readonly number[],
): object {
  return {
    index,
    content,
    tokens,
    id_slot: slot.id,
    stop: true,
    model,
    tokens_predicted: source.produced,
    tokens_evaluated: request.promptTokens,
    generation_settings: request.settings,
    prompt: request.prompt,
    has_new_line: slot.hasNewLine,
    truncated: false,
    stop_type: ending.stopType,
    stopping_word: ending.stoppingWord,
    tokens_cached: request.promptTokens + Math.max(0, source.produced - 1),
    timings: times.toWire(request.promptTokens, source.produced),
  };
}
