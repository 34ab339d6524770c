import OpenAI from 'openai';
import { eventually } from '../support/deadline';
import { startService, type RunningService } from '../support/service';

/* What the tests of npm's `openai` begin with: the built service, its engines, and a client that tries nothing twice. */

interface PoolHealth {
  readonly ready: boolean;
  readonly metrics: { readonly slots_free: number };
}

export function startForClients(env: Readonly<Record<string, string>> = {}): Promise<RunningService> {
  return startService({
    env: { AUTH_TOKEN: 'worker', ORCHD_PROBE_INTERVAL_MS: '100', ORCHD_BATCH_MODEL_WAIT_MS: '0', ...env },
  });
}

/** @param looking looks at each answer */
export function clientOf({ url, apiKey }: RunningService, looking?: { readonly fetch: typeof fetch }): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0, ...(looking && { fetch: looking.fetch }) });
}

/** Binds an engine that speaks vLLM's API as a pool of its own; resolves once all its slots are free. */
export async function bindEngine(service: RunningService, poolId: string, url: string, slots: number): Promise<void> {
  const body = { pool_id: poolId, replica_id: 'r0', engine: 'vllm', slots_total: slots, url };
  const headers = { Authorization: 'Bearer worker' };
  const answer = await service.request('POST', '/v2/workers/register', { body, headers });
  if (answer.status >= 300) throw new Error(`the engine was not bound: ${answer.text}`);
  await allFree(service, poolId, slots);
}

/** An attempt that was broken off keeps its slot until a probe has seen it free: what comes before that queues. */
export async function allFree(service: RunningService, poolId: string, slots: number): Promise<void> {
  await eventually(
    async () => (await service.request('GET', `/v2/pools/${poolId}/health`)).json<PoolHealth>(),
    ({ ready, metrics }) => ready && metrics.slots_free === slots,
  );
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const item of items) read.push(item);
  return read;
}
