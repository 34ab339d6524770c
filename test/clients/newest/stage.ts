import { startEngine, type RunningEngine } from '../../engine/engine';
import { eventually } from '../../support/deadline';
import { startService, type RunningService } from '../../support/service';
import { temporaryFolder } from '../../support/temporary-folder';
import { startValidatingProxy, type ValidatingProxy } from './validating-proxy';

/** Engines whose APIs clients are run against, each with all that they ask for. */
export const wires = ['openai', 'vllm', 'llamacpp'] as const;
const WORKER_TOKEN = 'worker';
const SLOTS = 8;

/** The built service, with stand-ins of each kind behind it. */
export interface Stage {
  /** Clients go through it. */
  readonly proxy: ValidatingProxy;
  readonly apiKey: string;
  stop(): Promise<void>;
}

/**
 * For each wire: `writer-…` (it takes images), `thinker-…`, `embedder-…`; beside them `single`, which has one slot, and `gone`, of which
 * nothing is there.
 */
export async function startStage(): Promise<Stage> {
  const folder = temporaryFolder();
  const start = (): Promise<RunningService> =>
    startService({
      env: {
        AUTH_TOKEN: WORKER_TOKEN,
        ORCHD_DATA_DIR: folder.path,
        ORCHD_PROBE_INTERVAL_MS: '100',
        ORCHD_ADMISSION_CAPACITY: '100',
        ORCHD_BATCH_MODEL_WAIT_MS: '0',
        ORCHD_SESSION_TOKENS_BUDGET: '3500',
        ORCHD_MODEL_ALIASES: '{"gone": "nothing@nowhere"}',
      },
    });
  let service = await start();
  const bound: string[] = [];
  const engines: RunningEngine[] = [];
  const ready = (model: string): Promise<unknown> =>
    eventually(
      async () => (await service.request('GET', `/v2/pools/${model}/health`)).json(),
      (health: unknown) => (health as { readonly ready?: boolean }).ready === true,
    );
  const bind = async (model: string, wire: (typeof wires)[number], more: object, slots = SLOTS): Promise<void> => {
    const engine = await startEngine({ wire, model, slots, tokensPerSecond: 200, ...more });
    engines.push(engine);
    const body = { pool_id: model, replica_id: 'r0', engine: wire, slots_total: slots, url: engine.url };
    const headers = { Authorization: `Bearer ${WORKER_TOKEN}` };
    const answer = await service.request('POST', '/v2/workers/register', { body, headers });
    if (answer.status >= 300) throw new Error(`${model} was not bound: ${answer.text}`);
    bound.push(model);
    await ready(model);
  };
  for (const wire of wires) {
    await bind(`writer-${wire}`, wire, { vision: true });
    await bind(`thinker-${wire}`, wire, { reasoningTokens: 4, reasoningField: 'reasoning_content' });
    await bind(`embedder-${wire}`, wire, { serves: 'embeddings' });
  }
  await bind('single', 'vllm', {}, 1);
  const proxy = await startValidatingProxy(() => service.url, {
    '/stage/restart': async () => {
      await service.stop();
      service = await start();
      await Promise.all(bound.map(ready));
    },
  });
  return {
    proxy,
    apiKey: service.apiKey,
    stop: async () => {
      await proxy.stop();
      await service.stop();
      await Promise.all(engines.map(engine => engine.stop()));
      folder.remove();
    },
  };
}
