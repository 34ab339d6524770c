import { startEngine } from '../engine/engine';
import { startService, type RunningService } from '../support/service';
import { eventually } from '../support/deadline';
import { BODY_LIMIT_BYTES } from './transport-faults';

export const WORKER_TOKEN = 'worker-token';

/** Models of engines that write, embed and rank: those that the document's examples ask for. */
export const WRITER = 'qwen3-32b';
export const EMBEDDER = 'bge-m3';
export const RANKER = 'bge-reranker-v2-m3';

/** The built service with a stand-in engine bound, and bounds that a run reaches. */
export interface ServiceUnderFuzz {
  readonly service: RunningService;
  readonly engineUrl: string;
  stop(): Promise<void>;
}

export async function startUnderFuzz(): Promise<ServiceUnderFuzz> {
  const engine = await startEngine({ slots: 4, tokensPerSecond: 0, slotActions: true });
  const writer = await startEngine({ wire: 'vllm', model: WRITER });
  const embedder = await startEngine({ wire: 'vllm', serves: 'embeddings', model: EMBEDDER });
  const ranker = await startEngine({ wire: 'vllm', serves: 'rerank', model: RANKER });
  const stopEngines = () => Promise.all([engine, writer, embedder, ranker].map(each => each.stop()));
  try {
    const service = await startService({
      env: {
        AUTH_TOKEN: WORKER_TOKEN,
        ORCHD_LLAMACPP_URL: engine.url,
        ORCHD_FALLBACK: 'wait',
        ORCHD_ADMISSION_CAPACITY: '100',
        ORCHD_BODY_LIMIT_BYTES: String(BODY_LIMIT_BYTES),
        ORCHD_TASK_OUTPUT_MAX_BYTES: '20000',
        ORCHD_DETACH_GRACE_MS: '100',
        ORCHD_PROBE_INTERVAL_MS: '100',
        ORCHD_RELOAD_TIMEOUT_MS: '1000',
        ORCHD_SESSION_TOKENS_BUDGET: '100000',
      },
    });
    await bind(service, WRITER, writer.url);
    await bind(service, EMBEDDER, embedder.url);
    await bind(service, RANKER, ranker.url);
    const stop = async (): Promise<void> => {
      await service.stop();
      await stopEngines();
    };
    return { service, engineUrl: engine.url, stop };
  } catch (cause) {
    await stopEngines();
    throw cause;
  }
}

async function bind(service: RunningService, poolId: string, url: string): Promise<void> {
  const body = { pool_id: poolId, replica_id: 'r0', engine: 'vllm', slots_total: 4, url };
  await service.request('POST', '/v2/workers/register', { body, headers: { Authorization: `Bearer ${WORKER_TOKEN}` } });
  await eventually(
    async () => (await service.request('GET', `/v2/pools/${poolId}/health`)).json(),
    ({ ready }) => ready === true,
  );
}
