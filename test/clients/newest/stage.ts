import { startEngine, type RunningEngine } from '../../engine/engine';
import { eventually } from '../../support/deadline';
import { startService, type RunningService } from '../../support/service';

/** Engines whose APIs clients are run against, each with all that they ask for. */
export const wires = ['openai', 'vllm', 'llamacpp'] as const;
const WORKER_TOKEN = 'worker';
const SLOTS = 8;

/** The built service, with stand-ins of each kind behind it. */
export interface Stage {
  readonly service: RunningService;
  stop(): Promise<void>;
}

/**
 * For each wire: `writer-…` (it takes images), `thinker-…`, `embedder-…`; beside them `single`, which has one slot, and `gone`, of which
 * nothing is there.
 */
export async function startStage(): Promise<Stage> {
  const service = await startService({
    env: {
      AUTH_TOKEN: WORKER_TOKEN,
      ORCHD_PROBE_INTERVAL_MS: '100',
      ORCHD_ADMISSION_CAPACITY: '100',
      ORCHD_SESSION_TOKENS_BUDGET: '3500',
      ORCHD_MODEL_ALIASES: '{"gone": "nothing@nowhere"}',
    },
  });
  const engines: RunningEngine[] = [];
  const bind = async (model: string, wire: (typeof wires)[number], more: object, slots = SLOTS): Promise<void> => {
    const engine = await startEngine({ wire, model, slots, tokensPerSecond: 200, ...more });
    engines.push(engine);
    const body = { pool_id: model, replica_id: 'r0', engine: wire, slots_total: slots, url: engine.url };
    const headers = { Authorization: `Bearer ${WORKER_TOKEN}` };
    const bound = await service.request('POST', '/v2/workers/register', { body, headers });
    if (bound.status >= 300) throw new Error(`${model} was not bound: ${bound.text}`);
    await eventually(
      async () => (await service.request('GET', `/v2/pools/${model}/health`)).json(),
      ({ ready }) => ready === true,
    );
  };
  for (const wire of wires) {
    await bind(`writer-${wire}`, wire, { vision: true });
    await bind(`thinker-${wire}`, wire, { reasoningTokens: 4, reasoningField: 'reasoning_content' });
    await bind(`embedder-${wire}`, wire, { serves: 'embeddings' });
  }
  await bind('single', 'vllm', {}, 1);
  return {
    service,
    stop: async () => {
      await service.stop();
      await Promise.all(engines.map(engine => engine.stop()));
    },
  };
}
