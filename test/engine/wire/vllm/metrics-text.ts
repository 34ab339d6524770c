import type { EngineSettings } from '../../engine-options';
import type { ModelInstance } from '../../model-instance';

interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** By further labels, as they are written. */
  readonly rows: readonly (readonly [labels: string, value: number])[];
}

/** `GET /metrics`: of vLLM's families those that tell of load and work, in its names and words. */
export function metricsText(instance: ModelInstance, settings: EngineSettings): string {
  const { decodes, promptTokens, predictedTokens } = instance.counters;
  const labels = `{engine="0",model_name="${settings.model}"}`;
  // Of the histogram what tells whether the engine makes steps at all.
  const steps =
    '# HELP vllm:iteration_tokens_total Histogram of number of tokens per engine_step.\n' +
    '# TYPE vllm:iteration_tokens_total histogram\n' +
    `vllm:iteration_tokens_total_count${labels} ${float(decodes)}\n` +
    `vllm:iteration_tokens_total_sum${labels} ${float(promptTokens + predictedTokens)}\n`;
  const families = familiesOf(instance, settings)
    .map(({ name, type, help, rows }) => {
      const lines = rows.map(([labels, value]) => {
        const all = ['engine="0"', `model_name="${settings.model}"`, ...(labels === '' ? [] : [labels])];
        return `${name}{${all.sort().join(',')}} ${float(value)}\n`;
      });
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
  return families + steps;
}

function familiesOf({ counters, pool }: ModelInstance, { slots, ctxTokens }: EngineSettings): readonly Family[] {
  const held = pool.slots
    .filter(({ busy }) => busy)
    .map(({ decoded, request }) => decoded + (request?.promptTokens ?? 0));
  const used = held.reduce((all, one) => all + one, 0) / (slots * ctxTokens);
  const gauge = (name: string, help: string, value: number): Family => ({
    name,
    type: 'gauge',
    help,
    rows: [['', value]],
  });
  const counter = (name: string, help: string, value: number): Family => ({
    name,
    type: 'counter',
    help,
    rows: [['', value]],
  });
  return [
    gauge('vllm:num_requests_running', 'Number of requests in model execution batches.', pool.active),
    gauge('vllm:num_requests_waiting', 'Number of requests waiting to be processed.', pool.waiting),
    {
      name: 'vllm:num_requests_waiting_by_reason',
      type: 'gauge',
      help:
        "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity; 'deferred' = deferred by " +
        'transient constraints (LoRA budget, KV transfer, blocked status). Sum of all reasons equals vllm:num_requests_waiting.',
      rows: [
        ['reason="capacity"', pool.waiting],
        ['reason="deferred"', 0],
      ],
    },
    gauge('vllm:kv_cache_usage_perc', 'KV-cache usage. 1 means 100 percent usage.', used),
    counter('vllm:num_preemptions_total', 'Cumulative number of preemption from the engine.', 0),
    counter('vllm:prompt_tokens_total', 'Number of prefill tokens processed.', counters.promptTokens),
    counter('vllm:generation_tokens_total', 'Number of generation tokens processed.', counters.predictedTokens),
  ];
}

/** As Python prints a float. */
function float(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
