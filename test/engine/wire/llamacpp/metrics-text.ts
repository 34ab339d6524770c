import type { ModelInstance } from '../../model-instance';

/** `GET /metrics`, in llama.cpp's names, words and order. */
export function metricsText({ counters, pool }: ModelInstance): string {
  const { promptTokens, promptMs, predictedTokens, predictedMs, decodes, longestTokens, busySlotDecodes } = counters;
  const rows: readonly (readonly [name: string, type: 'counter' | 'gauge', value: number, help: string])[] = [
    ['prompt_tokens_total', 'counter', promptTokens, 'Number of prompt tokens processed, excluding cached tokens'],
    ['prompt_tokens_cached_total', 'counter', 0, 'Number of prompt tokens reused from the cache'],
    ['prompt_seconds_total', 'counter', promptMs / 1000, 'Total time spent processing prompts'],
    ['tokens_predicted_total', 'counter', predictedTokens, 'Number of generation tokens processed'],
    ['tokens_predicted_seconds_total', 'counter', predictedMs / 1000, 'Total time spent generating tokens'],
    [
      'n_decode_total',
      'counter',
      decodes,
      'Total number of llama_decode() calls, excluding speculative decoding and multimodal decoding',
    ],
    ['n_tokens_max', 'counter', longestTokens, 'Largest observed sequence length (prompt + generation)'],
    ['spec_decode_num_draft_tokens_total', 'counter', 0, 'Speculative: Total draft tokens generated'],
    [
      'spec_decode_num_accepted_tokens_total',
      'counter',
      0,
      'Speculative: Total draft tokens accepted by the target model',
    ],
    ['spec_decode_num_drafts_total', 'counter', 0, 'Speculative: Total speculative decoding verification steps'],
    ['prompt_tokens_seconds', 'gauge', perSecond(promptTokens, promptMs), 'Average prompt throughput in tokens/s'],
    [
      'predicted_tokens_seconds',
      'gauge',
      perSecond(predictedTokens, predictedMs),
      'Average generation throughput in tokens/s',
    ],
    ['requests_processing', 'gauge', pool.active, 'Number of requests processing'],
    ['requests_deferred', 'gauge', pool.waiting, 'Number of requests deferred'],
    [
      'n_busy_slots_per_decode',
      'gauge',
      decodes > 0 ? busySlotDecodes / decodes : 0,
      'Average number of busy slots per llama_decode() call',
    ],
  ];
  return rows
    .map(
      ([name, type, value, help]) =>
        `# HELP llamacpp:${name} ${help}\n# TYPE llamacpp:${name} ${type}\nllamacpp:${name} ${Number(value.toPrecision(6))}\n`,
    )
    .join('');
}

function perSecond(tokens: number, ms: number): number {
  return ms > 0 ? (tokens * 1000) / ms : 0;
}
