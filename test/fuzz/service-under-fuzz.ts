import { startEngine } from '../engine/engine';
import { startService, type RunningService } from '../support/service';
import { BODY_LIMIT_BYTES } from './transport-faults';

export const WORKER_TOKEN = 'worker-token';

/** The built service with a stand-in engine bound, and bounds that a run reaches. */
export interface ServiceUnderFuzz {
  readonly service: RunningService;
  readonly engineUrl: string;
  stop(): Promise<void>;
}

export async function startUnderFuzz(): Promise<ServiceUnderFuzz> {
  const engine = await startEngine({ slots: 4, tokensPerSecond: 0, slotActions: true });
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
    const stop = async (): Promise<void> => {
      await service.stop();
      await engine.stop();
    };
    return { service, engineUrl: engine.url, stop };
  } catch (cause) {
    await engine.stop();
    throw cause;
  }
}
