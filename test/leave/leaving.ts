import { request as httpRequest, type ClientRequest } from 'node:http';
import { startEngine, type RunningEngine } from '../engine/engine';
import type { EngineStats } from '../engine/ledger';
import type { WireName } from '../engine/engine-options';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import { startService, type RunningService } from '../support/service';

/** Where a request is when its client goes. */
export const stages = ['queued', 'prefill', 'streaming', 'not streaming'] as const;
export type Stage = (typeof stages)[number];

export interface Leaving {
  readonly wire: WireName;
  readonly stage: Stage;
  /** Clients that left. */
  readonly left: number;
  /** Engine requests that were still at work, or waited in the engine, once all had left. */
  readonly running: number;
  /** Slots that the service still held then. */
  readonly leaked: number;
  /** Tasks that did not end as cancelled. */
  readonly otherwise: number;
  /** From each client's leaving until the engine stopped; until its place was given up where it was queued. */
  readonly abortMs: readonly number[];
}

const SLOTS = 2;
const MODEL = 'some-model';
/** Slow enough that nothing ends by itself while clients come and go. */
const TOKENS_PER_SECOND = 25;
const FOREVER_MS = 600_000;
const CONTEXT = 1_000_000;

/** One engine behind one service, of which clients of OpenAI's API ask for chats and leave. */
export class LeavingClients {
  private constructor(
    private readonly wire: WireName,
    private readonly engine: RunningEngine,
    private readonly service: RunningService,
  ) {}

  static async of(wire: WireName): Promise<LeavingClients> {
    const speed = { tokensPerSecond: TOKENS_PER_SECOND, ctxTokens: CONTEXT };
    const names = { model: MODEL, ...(wire === 'ollama' && { routerModels: [MODEL] }) };
    const engine = await startEngine({ wire, slots: SLOTS, requestsKept: 4, ...speed, ...names });
    const service = await startService({
      env: {
        ORCHD_ENGINE_URLS: `${wire}=${engine.url}`,
        ORCHD_ENGINE_SLOTS: String(SLOTS),
        ORCHD_PROBE_INTERVAL_MS: '200',
        ORCHD_FALLBACK: 'wait',
        ORCHD_SESSION_TOKENS_BUDGET: '1000000000',
      },
    });
    const clients = new LeavingClients(wire, engine, service);
    await eventually(
      () => clients.pool(),
      ({ ready }) => ready,
    );
    return clients;
  }

  async close(): Promise<void> {
    await this.service.stop();
    await this.engine.stop();
  }

  /** So many clients, one after the other, each of which leaves when its request has come so far. */
  async leave(stage: Stage, times: number): Promise<Leaving> {
    const { engine, wire } = this;
    engine.control({ prefillMs: stage === 'prefill' ? FOREVER_MS : 0 });
    const blockers = stage === 'queued' ? await this.takeAllSlots() : [];
    const before = await this.cancelled();
    const abortMs: number[] = [];
    for (let n = 0; n < times; n++)
      abortMs.push(stage === 'queued' ? await this.leaveQueue() : await this.leaveEngine(stage));
    const cancelled = await eventually(
      () => this.cancelled(),
      now => now - before === times,
      5000,
    ).catch(() => this.cancelled());
    for (const id of blockers) await this.service.request('POST', `/v2/tasks/${id}/cancel`);
    await engine.until(({ active }) => active === 0, LAST_RESORT_MS).catch(() => undefined);
    const { active, deferred } = engine.stats();
    const health = await eventually(
      () => this.pool(),
      ({ metrics }) => metrics.slots_free === SLOTS,
      5000,
    ).catch(() => this.pool());
    const leaked = SLOTS - health.metrics.slots_free;
    return {
      wire,
      stage,
      left: times,
      running: active + deferred,
      leaked,
      otherwise: times - (cancelled - before),
      abortMs,
    };
  }

  private async leaveEngine(stage: Exclude<Stage, 'queued'>): Promise<number> {
    const { engine } = this;
    const before = engine.stats();
    const client = this.ask(stage !== 'not streaming');
    await engine.until(stats => hasCome(stage, before, stats), LAST_RESORT_MS);
    if (stage === 'streaming') await client.hasOutput;
    const startMs = performance.now();
    client.leave();
    await engine.until(({ aborted, active }) => aborted > before.aborted && active === 0, LAST_RESORT_MS);
    return performance.now() - startMs;
  }

  private async leaveQueue(): Promise<number> {
    const client = this.ask(true);
    await eventually(
      () => this.tasks('queued'),
      tasks => tasks.length === 1,
    );
    const startMs = performance.now();
    client.leave();
    while ((await this.tasks('queued')).length > 0)
      if (performance.now() > startMs + LAST_RESORT_MS) throw new Error('a task whose client left is still queued');
    return performance.now() - startMs;
  }

  private async takeAllSlots(): Promise<readonly string[]> {
    const body = { prompt: 'x', max_tokens: 100_000, deadline_ms: FOREVER_MS };
    const ids: string[] = [];
    for (let n = 0; n < SLOTS; n++)
      ids.push(String((await this.service.request('POST', '/v2/tasks', { body })).json()['task_id']));
    await this.engine.until(({ active }) => active === SLOTS, LAST_RESORT_MS);
    return ids;
  }

  private ask(stream: boolean): { readonly hasOutput: Promise<unknown>; leave(): void } {
    const { apiKey, url } = this.service;
    const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' };
    const request: ClientRequest = httpRequest(`${url}/v1/chat/completions`, { method: 'POST', agent: false, headers });
    const hasOutput = new Promise(resolve => request.on('response', answer => answer.on('data', resolve)));
    request.on('error', () => undefined);
    request.end(
      JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 100_000, stream }),
    );
    return { hasOutput, leave: () => void request.destroy() };
  }

  private async cancelled(): Promise<number> {
    const { text } = await this.service.request('GET', '/metrics');
    const samples = text.split('\n').filter(line => /^tasks_canceled_total\{.*reason="disconnect"/.test(line));
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  private async tasks(state: string): Promise<readonly unknown[]> {
    return (await this.service.request('GET', `/v2/tasks?state=${state}&limit=1000`)).json()['items'] as unknown[];
  }

  private async pool(): Promise<{ ready: boolean; metrics: { slots_free: number } }> {
    return (await this.service.request('GET', `/v2/pools/${this.wire}/health`)).json();
  }
}

function hasCome(stage: Stage, before: EngineStats, now: EngineStats): boolean {
  if (now.active !== 1 || now.started !== before.started + 1) return false;
  return stage === 'prefill' || now.tokens > before.tokens;
}
