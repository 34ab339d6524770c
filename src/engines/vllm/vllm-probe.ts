import type { EngineProbe, Operation } from '../engine-adapter.port';
import { factsOf, probeOf, type OpenaiServer } from '../wire/openai/openai-server';
import { openaiRoutes } from '../wire/openai/openai-request';
import { samplesOf, sumOf } from '../wire/prometheus';

/** A scrape has 70 KB for one engine, and as much for each engine of data parallelism. */
const METRICS_BYTES = 8 * 1024 * 1024;
const SMALL_BYTES = 16 * 1024;
const families = {
  running: 'vllm:num_requests_running',
  waiting: 'vllm:num_requests_waiting',
  kv: 'vllm:kv_cache_usage_perc',
  /** One for each step that the engine made. */
  steps: 'vllm:iteration_tokens_total_count',
} as const;

export interface VllmLoad extends Pick<EngineProbe, 'running' | 'waiting' | 'slotsBusy' | 'kvUsageRatio'> {
  /** Undefined where the server does not count them. */
  readonly steps?: number;
}

/**
 * Asks a vLLM server how it is. While it starts its port is closed; `/health` is 503 for the moment between the death of its engine and
 * its own, and 200 over an engine that stands still: whether that is so, `standsStill` tells from its counters.
 */
export function probeVllm(
  server: OpenaiServer,
  operations: (key: string, look: () => Promise<readonly Operation[]>) => Promise<readonly Operation[]>,
  standsStill: (load: VllmLoad) => string | undefined,
): Promise<EngineProbe> {
  return probeOf(async () => {
    const { status } = await server.get('/health', SMALL_BYTES);
    if (status !== 200)
      return { state: 'unreachable', reason: `The engine says that it is not well (status ${status}).` };
    const models = await server.models();
    const { json } = await server.get('/version', SMALL_BYTES);
    const { version } = (json ?? {}) as { readonly version?: unknown };
    const load = loadIn(await metricsOf(server));
    const reason = standsStill(load);
    if (reason !== undefined) return { state: 'unreachable', reason };
    const { steps: _steps, ...shown } = load;
    const key = `${String(version)} ${models.map(({ id }) => id).join(' ')}`;
    return {
      state: 'ready',
      ...factsOf(models),
      ...shown,
      ...(typeof version === 'string' && version !== '' && { engineVersion: version.slice(0, 128) }),
      supportedWorkloads: await operations(key, () => operationsOf(server)),
      features: ['streaming', 'cancel', 'seed', 'kv-cache'],
    };
  });
}

/** A server that does not show its metrics, or not to us, is none the worse for it. */
async function metricsOf(server: OpenaiServer): Promise<string> {
  const { status, text } = await server.ask('/metrics', METRICS_BYTES);
  return status === 200 ? text : '';
}

/** A server has the routes of its model's kind and no others: for a GET on one that is there, the method is wrong. */
async function operationsOf(server: OpenaiServer): Promise<readonly Operation[]> {
  const found: Operation[] = [];
  for (const operation of ['completion', 'chat', 'embedding', 'rerank'] as const) {
    const { status } = await server.get(openaiRoutes[operation], SMALL_BYTES);
    if (status === 405) found.push(operation);
  }
  return found;
}

function loadIn(scrape: string): VllmLoad {
  const samples = samplesOf(scrape, Object.values(families));
  const [running, waiting, steps] = (['running', 'waiting', 'steps'] as const).map(name =>
    sumOf(samples.get(families[name])),
  );
  const ratios = samples.get(families.kv) ?? [];
  return {
    ...(running !== undefined && { running }),
    ...(waiting !== undefined && { waiting }),
    ...(running !== undefined && { slotsBusy: running + (waiting ?? 0) }),
    ...(steps !== undefined && { steps }),
    ...(ratios.length > 0 && { kvUsageRatio: Math.min(1, Math.max(...ratios.map(({ value }) => value))) }),
  };
}
