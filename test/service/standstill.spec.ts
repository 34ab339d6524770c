import { afterEach, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { startService, type RunningService } from '../support/service';
import { TaskClient } from '../support/task-client';
import { LAST_RESORT_MS } from '../support/deadline';

/* The service's process stands still while its engine goes on: that is no silence of the engine's. */

/** Longer than this process, whose engine it is, stands still itself on a busy machine. */
const IDLE_TIMEOUT_MS = 1000;
const TOKENS_PER_SECOND = 50;
/** What the engine sends meanwhile: three times as long as the time-out. */
const TOKENS_MISSED = (3 * IDLE_TIMEOUT_MS * TOKENS_PER_SECOND) / 1000;

let engine: RunningEngine;
let service: RunningService;

afterEach(async () => {
  await service.stop('SIGKILL');
  await engine.stop();
});

it.each([
  ['in the middle of a stream', { prefillMs: 0 }, {}],
  ['before the first token', { prefillMs: 200 }, { ORCHD_ENGINE_FIRST_TOKEN_TIMEOUT_MS: String(IDLE_TIMEOUT_MS) }],
])('a service that was stopped %s reads on and completes', async (_, engineOptions, env) => {
  engine = await startEngine({ tokensPerSecond: TOKENS_PER_SECOND, ...engineOptions });
  service = await startService({
    env: { ORCHD_LLAMACPP_URL: engine.url, ORCHD_ENGINE_IDLE_TIMEOUT_MS: String(IDLE_TIMEOUT_MS), ...env },
  });
  const tasks = new TaskClient(service);
  await tasks.submit({ task_id: 't', max_tokens: 4 * TOKENS_MISSED, deadline_ms: 60_000 });
  await engine.until(({ tokens, active }) => (engineOptions.prefillMs > 0 ? active > 0 : tokens > 3), LAST_RESORT_MS);
  service.signal('SIGSTOP');
  const { tokens: before } = engine.stats();
  await engine.until(({ tokens }) => tokens > before + TOKENS_MISSED, LAST_RESORT_MS);
  service.signal('SIGCONT');
  engine.control({ tokensPerSecond: 0 });
  const { events } = await tasks.read('t');
  expect(events.at(-1)).toMatchObject({ type: 'end', data: { tokens_out: 4 * TOKENS_MISSED } });
  expect(events.filter(({ type }) => type === 'token')).toHaveLength(4 * TOKENS_MISSED);
});
