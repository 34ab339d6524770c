import { setTimeout as pause } from 'node:timers/promises';
import type { Seeded } from '../../prediction/seeded';
import type { Told } from '../../prediction/verdict';
import type { Program } from '../program';
import { API_KEY } from '../service';

/** Tasks that come to one pool, or to any, for a while. */
export interface Arrivals {
  /** Undefined: they may use any. */
  readonly poolId: string | undefined;
  readonly perSecond: number;
  /** Share of the class that others overtake. */
  readonly batch?: number;
  /** Their outputs end at a word that comes by chance. */
  readonly stops?: boolean;
}

/** One task, as it was told and as it went. */
export interface SeenTask extends Told {
  readonly poolId: string;
  readonly isBatch: boolean;
}

interface Answer {
  readonly task_id: string;
  readonly predicted_start_ms: number;
  readonly predicted_start: { readonly earliest_ms: number; readonly latest_ms: number; readonly basis: Told['basis'] };
}

interface View {
  readonly state: string;
  readonly pool_id?: string;
  readonly created_ms: number;
  readonly started_ms?: number;
}

const [LEAST_TOKENS, MOST_TOKENS] = [10, 200];
export const MEAN_TOKENS = (LEAST_TOKENS + MOST_TOKENS) / 2;
/** One of the stand-in's words: after some sixty tokens, in the mean. */
const STOP_WORD = ' river';
const DEADLINE_MS = 3_600_000;
const LOOK_EVERY_MS = 250;
/** Past this something is wrong. */
const PATIENCE_MS = 300_000;
const END_STATES = ['completed', 'failed', 'cancelled', 'expired', 'dropped'];

/** Submits tasks and looks what became of them. */
export class TaskFeed {
  private readonly pending: { readonly answer: Promise<Answer>; readonly isBatch: boolean }[] = [];

  constructor(
    private readonly service: Program,
    private readonly random: Seeded,
  ) {}

  /** One after another, at random times, for so long. */
  async run(arrivals: Arrivals, forMs: number): Promise<void> {
    const startMs = performance.now();
    for (let atMs = this.gapMs(arrivals); atMs < forMs; atMs += this.gapMs(arrivals)) {
      await pause(Math.max(0, startMs + atMs - performance.now()));
      this.submit(arrivals);
    }
  }

  submit({ poolId, batch = 0, stops = false }: Omit<Arrivals, 'perSecond'>): void {
    const { random } = this;
    const isBatch = random.next() < batch;
    const body = {
      prompt: 'word '.repeat(random.whole(10, 300)),
      max_tokens: random.whole(LEAST_TOKENS, MOST_TOKENS),
      seed: random.whole(1, 1_000_000),
      deadline_ms: DEADLINE_MS,
      on_disconnect: 'continue',
      priority: isBatch ? 'batch' : 'interactive',
      ...(stops && { stop: [STOP_WORD] }),
      ...(poolId !== undefined && { placement: { pin_pool_id: poolId } }),
    };
    this.pending.push({ answer: this.ask<Answer>('POST', '/v2/tasks', body), isBatch });
  }

  /** Waits until all that were submitted have ended. */
  async seen(): Promise<SeenTask[]> {
    const tasks: SeenTask[] = [];
    for (const { answer, isBatch } of this.pending.splice(0)) {
      const told = await answer;
      const {
        pool_id: poolId = '',
        created_ms: createdMs,
        started_ms: startedMs,
        state,
      } = await this.ended(told.task_id);
      if (state !== 'completed' || startedMs === undefined) throw new Error(`a task ended as ${state}`);
      const { earliest_ms: earliestMs, latest_ms: latestMs, basis } = told.predicted_start;
      tasks.push({
        ...{ poolId, isBatch, startMs: told.predicted_start_ms, earliestMs, latestMs, basis },
        actualMs: startedMs - createdMs,
      });
    }
    return tasks;
  }

  /** Resolves once a pool is ready. */
  async ready(poolId: string): Promise<void> {
    await this.until<{ ready: boolean; replicas?: unknown[] }>(
      `/v2/pools/${poolId}/health`,
      ({ ready, replicas = [] }) => ready && replicas.length > 0,
    );
  }

  private gapMs({ perSecond }: Arrivals): number {
    return this.random.exponential(1000 / perSecond);
  }

  private ended(taskId: string): Promise<View> {
    return this.until<View>(`/v2/tasks/${taskId}`, ({ state }) => END_STATES.includes(state));
  }

  private async until<T>(path: string, wanted: (body: T) => boolean): Promise<T> {
    for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += LOOK_EVERY_MS) {
      const body = await this.ask<T>('GET', path);
      if (wanted(body)) return body;
      await pause(LOOK_EVERY_MS);
    }
    throw new Error(`${path} is not as it should be after ${PATIENCE_MS} ms`);
  }

  private async ask<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.service.port}${path}`, {
      method,
      headers: { 'X-API-Key': API_KEY, 'Content-Type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }
}
