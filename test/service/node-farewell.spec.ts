import { afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { LAST_RESORT_MS } from '../support/deadline';
import { hasRedisServer } from '../support/redis-server';
import { errorCodeOf, TaskClient, wireOf } from '../support/task-client';
import { TwoNodes } from '../support/two-nodes';

const GRACE_MS = 500;
/** Far longer than a test: what is done by then was handed over, and not taken from a node that is no more. */
const LEASE_MS = 60_000;
const LONG = { max_tokens: 100_000, deadline_ms: 600_000 };

describe.skipIf(!hasRedisServer())('a node that is told to end (B-ND-012)', { timeout: 3 * LAST_RESORT_MS }, () => {
  let engine: RunningEngine;
  let nodes: TwoNodes;
  let a: TaskClient;
  let b: TaskClient;

  const start = async (options: object): Promise<void> => {
    engine = await startEngine({ slots: 2, tokensPerSecond: 50, ...options });
    const env = { ORCHD_SHUTDOWN_GRACE_MS: String(GRACE_MS), ORCHD_STORE_LEASE_MS: String(LEASE_MS) };
    nodes = await TwoNodes.start({ ORCHD_LLAMACPP_URL: engine.url, ...env });
    await nodes.ready('default');
    [a, b] = [new TaskClient(nodes.a), new TaskClient(nodes.b)];
  };

  afterEach(async () => {
    await nodes.stop();
    await engine.stop();
  });

  it('lets what runs end within the grace, and gives what waits to the others at once', async () => {
    await start({ slots: 1, tokensPerSecond: 100 });
    const runs = await a.submit({ max_tokens: 30 });
    const reading = a.read(runs);
    await engine.until(({ active }) => active === 1);
    const waits = await a.submit({ max_tokens: 3 });
    await nodes.a.stop('SIGTERM');
    expect((await reading).events.at(-1)?.type).toBe('end');
    expect((await b.read(runs)).events.at(-1)?.type).toBe('end');
    await b.reached(waits, 'completed');
    expect(engine.stats().started).toBe(2);
  });

  it('ends what has shown output after the grace, and others see that at once', async () => {
    await start({});
    const runs = await a.submit(LONG);
    const [here, there] = [a.read(runs), b.read(runs)];
    await engine.until(({ tokens }) => tokens > 5);
    await nodes.a.stop('SIGTERM');
    const [atA, atB] = [await here, await there];
    expect([errorCodeOf(atA.events), errorCodeOf(atB.events)]).toEqual(Array(2).fill('ORCHESTRATOR_RESTARTED'));
    expect(wireOf(atB.events)).toEqual(wireOf(atA.events));
    await engine.until(({ active }) => active === 0);
  });

  it('gives what has shown nothing after the grace to another node, which runs it at once', async () => {
    await start({ prefillMs: 3000 });
    const silent = await a.submit({ max_tokens: 3 });
    await engine.until(({ active }) => active === 1);
    await nodes.a.stop('SIGTERM');
    await b.reached(silent, 'completed');
    const { events } = await b.read(silent);
    expect(events.at(-1)?.type).toBe('end');
  });

  it('breaks off readers of what another runs where they can go on, without a gap or a doubled event', async () => {
    await start({});
    const runs = await b.submit({ max_tokens: 120 });
    const reading = a.read(runs);
    const uncut = b.read(runs);
    await engine.until(({ tokens }) => tokens > 5);
    await nodes.a.stop('SIGTERM');
    const { events } = await reading;
    expect(events.length).toBeGreaterThan(3);
    expect(['end', 'error']).not.toContain(events.at(-1)?.type);
    const rest = await b.read(runs, { lastEventId: events.at(-1)?.id ?? '' });
    expect([...wireOf(events), ...wireOf(rest.events)]).toEqual(wireOf((await uncut).events));
  });
});
