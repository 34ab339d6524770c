import { afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { LAST_RESORT_MS } from '../support/deadline';
import { command } from '../support/redis-sentinels';
import { hasRedisServer } from '../support/redis-server';
import type { SseEvent } from '../support/sse-stream';
import { errorCodeOf, TaskClient, wireOf } from '../support/task-client';
import { TwoNodes } from '../support/two-nodes';

const GRACE_MS = 500;
/** Far longer than a test: what is done by then was handed over, and not taken from a node that is no more. */
const LEASE_MS = 60_000;
const LONG = { max_tokens: 100_000, deadline_ms: 600_000 };

/** A reader from the start on, and when it has some of the events. */
function following(
  client: TaskClient,
  taskId: string,
): { readonly seen: Promise<void>; readonly whole: ReturnType<TaskClient['read']> } {
  let tell = (): void => undefined;
  const seen = new Promise<void>(resolve => (tell = resolve));
  const until = (_: SseEvent, events: readonly SseEvent[]): boolean => {
    if (events.length > 3) tell();
    return false;
  };
  return { seen, whole: client.read(taskId, { until }) };
}

describe.skipIf(!hasRedisServer())('a node that is told to end (B-ND-012)', { timeout: 3 * LAST_RESORT_MS }, () => {
  let engine: RunningEngine;
  let nodes: TwoNodes;
  let a: TaskClient;
  let b: TaskClient;

  const start = async (options: object, graceMs = GRACE_MS, leaseMs = LEASE_MS): Promise<void> => {
    engine = await startEngine({ slots: 2, tokensPerSecond: 50, ...options });
    const env = { ORCHD_SHUTDOWN_GRACE_MS: String(graceMs), ORCHD_STORE_LEASE_MS: String(leaseMs) };
    nodes = await TwoNodes.start({ ORCHD_LLAMACPP_URL: engine.url, ...env });
    await nodes.ready('default');
    [a, b] = [new TaskClient(nodes.a), new TaskClient(nodes.b)];
  };

  afterEach(async () => {
    await nodes.stop();
    await engine.stop();
  });

  it('lets what runs end within the grace, and gives what waits to the others at once', async () => {
    await start({ slots: 1, tokensPerSecond: 10 }, LAST_RESORT_MS);
    const runs = await a.submit({ max_tokens: 30 });
    const reader = following(a, runs);
    await reader.seen;
    const waits = await a.submit({ max_tokens: 3 });
    await nodes.a.stop('SIGTERM');
    expect(await command(nodes.redis.port, ['ZCARD', '{orchestratord}:nodes'])).toBe(1);
    expect((await reader.whole).events.at(-1)?.type).toBe('end');
    expect((await b.read(runs)).events.at(-1)?.type).toBe('end');
    await b.reached(waits, 'completed');
    expect(engine.stats().started).toBe(2);
  });

  it('ends what has shown output after the grace, and others see that at once', async () => {
    await start({});
    const runs = await a.submit(LONG);
    const readers = [following(a, runs), following(b, runs)] as const;
    for (const { seen } of readers) await seen;
    await nodes.a.stop('SIGTERM');
    const [atA, atB] = [await readers[0].whole, await readers[1].whole];
    expect([errorCodeOf(atA.events), errorCodeOf(atB.events)]).toEqual(Array(2).fill('ORCHESTRATOR_RESTARTED'));
    expect(wireOf(atB.events)).toEqual(wireOf(atA.events));
    await engine.until(({ active }) => active === 0);
  });

  it('stops in order though its store is away: it hangs up on readers and engine', async () => {
    // An ending is tried for as long as the task is this node's.
    await start({}, 0, 2000);
    const runs = await a.submit(LONG);
    const reader = following(a, runs);
    await reader.seen;
    // Broken off with its task, or ended where it stood, whichever comes first: both say that it is read on elsewhere.
    const last = reader.whole.then(
      ({ events }) => events.at(-1)?.type,
      (broken: Error) => broken.message,
    );
    await nodes.redis.stop();
    await nodes.a.waitForLog(({ event }) => event === 'store_lost');
    nodes.a.signal('SIGTERM');
    expect(await nodes.a.exited).toMatchObject({ code: 0 });
    expect(['token', 'metrics', 'the stream broke off']).toContain(await last);
    await engine.until(({ active }) => active === 0);
  });

  it('gives what has shown nothing after the grace to another node, which runs it at once', async () => {
    await start({ faults: { 'stall-prefill': 1 } });
    const silent = await a.submit({ max_tokens: 3 });
    await engine.until(({ active }) => active === 1);
    await nodes.a.stop('SIGTERM');
    await b.reached(silent, 'completed');
    const { events } = await b.read(silent);
    expect(events.at(-1)?.type).toBe('end');
  });

  it('breaks off readers of what another runs where they can go on, without a gap or a doubled event', async () => {
    await start({});
    const runs = await b.submit({ ...LONG, max_tokens: 5000 });
    const reader = following(a, runs);
    const uncut = b.read(runs);
    await reader.seen;
    await nodes.a.stop('SIGTERM');
    const { events } = await reader.whole;
    engine.control({ tokensPerSecond: 0 });
    expect(['end', 'error']).not.toContain(events.at(-1)?.type);
    const rest = await b.read(runs, { lastEventId: events.at(-1)?.id ?? '' });
    expect([...wireOf(events), ...wireOf(rest.events)]).toEqual(wireOf((await uncut).events));
  });
});
