import type { EngineSettings } from '../../engine-options';
import type { ModelInstance } from '../../model-instance';

/** `GET /metrics`: the families that tell of load, in TGI's names. They have no labels. */
export function metricsText({ counters, pool }: ModelInstance, { slots, ctxTokens }: EngineSettings): string {
  const rows: readonly (readonly [name: string, type: 'gauge' | 'counter', value: number])[] = [
    ['tgi_queue_size', 'gauge', pool.waiting],
    ['tgi_batch_current_size', 'gauge', pool.active],
    ['tgi_batch_current_max_tokens', 'gauge', pool.active * ctxTokens],
    ['tgi_batch_max_total_tokens', 'gauge', slots * ctxTokens],
    ['tgi_request_generated_tokens_sum', 'counter', counters.predictedTokens],
  ];
  return rows.map(([name, type, value]) => `# TYPE ${name} ${type}\n${name} ${value}\n\n`).join('');
}
