import { request as httpRequest } from 'node:http';
import { startEngine } from '../engine/engine';
import { eventually } from '../support/deadline';
import type { HttpAnswer } from '../support/http-client';
import { startService, type RunningService } from '../support/service';

export const kinds = ['llamacpp', 'vllm', 'ollama'] as const;
export type Kind = (typeof kinds)[number];
type Operation = 'completion' | 'chat' | 'embedding' | 'rerank';

/** An engine that the suite runs against. */
export interface NamedEngine {
  readonly kind: Kind;
  /** Undefined: a stand-in of its kind. */
  readonly url?: string;
}

/** Long enough for a slow engine on a busy machine; a suite that hangs ends here. */
const PATIENCE_MS = 120_000;
/** Sequences at once, where the engine does not tell. */
const SLOTS = 2;

/**
 * Those that `ORCHD_E2E_LLAMACPP_URL`, `ORCHD_E2E_VLLM_URL` and `ORCHD_E2E_OLLAMA_URL` name, each one URL or several with commas between; with
 * `ORCHD_E2E_STAND_INS` a stand-in for each kind that is not named. What is skipped is said.
 */
export function namedEngines(): readonly NamedEngine[] {
  return kinds.flatMap((kind): readonly NamedEngine[] => {
    const variable = `ORCHD_E2E_${kind.toUpperCase()}_URL`;
    const urls = (process.env[variable] ?? '').split(',').map(url => url.trim().replace(/\/+$/, ''));
    const named = urls.filter(url => url !== '').map(url => ({ kind, url }));
    if (named.length > 0) return named;
    if (process.env['ORCHD_E2E_STAND_INS']) return [{ kind }];
    process.stdout.write(`${kind} is skipped: ${variable} is not set.\n`);
    return [];
  });
}

interface PoolHealth {
  readonly ready: boolean;
  readonly last_error: string | null;
  readonly metrics: { readonly slots_total: number; readonly slots_free: number; readonly running: number };
}

/** The service with one engine behind it. */
export class EngineUnderTest {
  private constructor(
    readonly kind: Kind,
    readonly service: RunningService,
    readonly model: string,
    private readonly operations: ReadonlySet<string>,
    private readonly stopEngine: () => Promise<void>,
  ) {}

  static async start({ kind, url }: NamedEngine): Promise<EngineUnderTest> {
    const standIn =
      url === undefined ? await startEngine({ wire: kind, slots: SLOTS, tokensPerSecond: 100 }) : undefined;
    const at = url ?? standIn?.url ?? '';
    const service = await startService({
      env: {
        ORCHD_ENGINE_URLS: `${kind}=${at}`,
        ORCHD_ENGINE_ALLOW: `127.0.0.0/8,::1/128,${new URL(at).hostname.replace(/[[\]]/g, '')}`,
        ...(kind !== 'llamacpp' && { ORCHD_ENGINE_SLOTS: String(SLOTS) }),
        ORCHD_ADMISSION_CAPACITY: '64',
        ORCHD_FALLBACK: 'wait',
        ORCHD_PROBE_INTERVAL_MS: '200',
      },
    });
    const ask = async <T>(path: string): Promise<T> => (await service.request('GET', path)).json<T>();
    await eventually(
      () => ask<PoolHealth>(`/v2/pools/${kind}/health`),
      ({ ready }) => ready,
      PATIENCE_MS,
    );
    const { data } = await ask<{ data: { id: string }[] }>('/v1/models');
    const { engines } = await ask<{ engines: { engine: string; supported_workloads: string[] }[] }>(
      '/v2/meta/capabilities',
    );
    const able = engines.find(({ engine }) => engine === kind)?.supported_workloads ?? [];
    const stopEngine = async () => void (await standIn?.stop());
    return new EngineUnderTest(kind, service, data[0]?.id ?? '', new Set(able), stopEngine);
  }

  can(operation: Operation): boolean {
    return this.operations.has(operation);
  }

  ask(path: string, body: object): Promise<HttpAnswer> {
    return this.service.request('POST', path, { body: { model: this.model, ...body }, deadlineMs: PATIENCE_MS });
  }

  /** A task that is waited for. */
  run(body: object): Promise<HttpAnswer> {
    const task = { deadline_ms: PATIENCE_MS, ...body };
    return this.service.request('POST', '/v2/tasks?wait=110', { body: task, deadlineMs: PATIENCE_MS });
  }

  async health(): Promise<PoolHealth> {
    return (await this.service.request('GET', `/v2/pools/${this.kind}/health`)).json<PoolHealth>();
  }

  /** The engine and the service both say that nothing runs. */
  async isFree(withinMs: number): Promise<void> {
    await eventually(
      () => this.health(),
      ({ metrics }) => metrics.running === 0 && metrics.slots_free === metrics.slots_total,
      withinMs,
    );
  }

  /** Asks for a stream, and leaves with its first output. */
  leaveAtFirstOutput(path: string, body: object): Promise<void> {
    const headers = { 'X-API-Key': this.service.apiKey, 'Content-Type': 'application/json' };
    return new Promise((resolve, reject) => {
      const request = httpRequest(`${this.service.url}${path}`, { method: 'POST', agent: false, headers });
      request.on('error', reject);
      request.on('response', answer => {
        answer.on('error', () => undefined);
        answer.once('data', () => {
          request.off('error', reject).on('error', () => undefined);
          request.destroy();
          resolve();
        });
      });
      request.end(JSON.stringify({ model: this.model, stream: true, ...body }));
    });
  }

  async stop(): Promise<void> {
    await this.service.stop();
    await this.stopEngine();
  }
}
