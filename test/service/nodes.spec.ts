import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { hasRedisServer, startRedis, type RedisServer } from '../support/redis-server';
import { startService, type RunningService } from '../support/service';
import { errorCodeOf, TaskClient, tokenIndexes, upTo } from '../support/task-client';
import { eventually } from '../support/deadline';

/* Several nodes over one store: what one was given, each can tell, stream and end. */

interface Node {
  readonly service: RunningService;
  readonly tasks: TaskClient;
}

describe.skipIf(!hasRedisServer())('nodes over one store', { timeout: 120_000 }, () => {
  let redis: RedisServer;
  let engine: RunningEngine;
  const nodes: Node[] = [];

  const startNode = async (env: Record<string, string> = {}): Promise<Node> => {
    const service = await startService({
      env: {
        ORCHD_STORE: redis.url,
        ORCHD_STORE_DURABILITY: 'memory',
        ORCHD_LLAMACPP_URL: engine.url,
        ORCHD_FALLBACK: 'wait',
        ORCHD_PROBE_INTERVAL_MS: '200',
        ...env,
      },
    });
    const node = { service, tasks: new TaskClient(service) };
    nodes.push(node);
    return node;
  };

  beforeEach(async () => {
    redis = await startRedis();
  });

  afterEach(async () => {
    for (const { service } of nodes.splice(0)) await service.stop('SIGKILL');
    await engine.stop();
    await redis.stop();
  });

  it('one node runs a task from its admission to its end', async () => {
    engine = await startEngine({ slots: 2, tokensPerSecond: 200 });
    const { tasks } = await startNode();
    await tasks.slotsFree(2);
    const taskId = await tasks.submit({ max_tokens: 20 });
    const { events } = await tasks.read(taskId);
    expect(tokenIndexes(events)).toEqual(upTo(20));
    expect(events.at(-1)?.type).toBe('end');
    expect(await tasks.reached(taskId, 'completed')).toMatchObject({ usage: { tokens_out: 20 } });
    await tasks.slotsFree(2);
  });

  it('a task of one node is read, told of and cancelled at another', async () => {
    engine = await startEngine({ slots: 1, tokensPerSecond: 100 });
    const a = await startNode();
    await a.tasks.slotsFree(1);
    const short = await a.tasks.submit({ max_tokens: 30 });
    const b = await startNode();
    const [here, there] = await Promise.all([a.tasks.read(short), b.tasks.read(short)]);
    expect(there.events.map(({ id, type, data }) => [id, type, data])).toEqual(
      here.events.map(({ id, type, data }) => [id, type, data]),
    );
    const long = await a.tasks.submit({ max_tokens: 100_000, deadline_ms: 600_000 });
    const reading = b.tasks.read(long);
    await engine.until(({ active }) => active === 1);
    await b.tasks.reached(long, 'streaming');
    expect((await b.service.request('POST', `/v2/tasks/${long}/cancel`)).status).toBe(204);
    await engine.until(({ active }) => active === 0);
    const { events } = await reading;
    expect(errorCodeOf(events)).toBe('CANCELLED');
    for (const { tasks } of [a, b]) expect(await tasks.view(long)).toMatchObject({ state: 'cancelled' });
  });

  it('a killed node’s tasks are run by another, or end where output was seen', async () => {
    engine = await startEngine({ slots: 1, tokensPerSecond: 50 });
    const a = await startNode();
    await a.tasks.slotsFree(1);
    const shown = await a.tasks.submit({ task_id: 'shown', max_tokens: 100_000, deadline_ms: 600_000 });
    await a.tasks.read(shown, { until: (_, events) => events.length > 5 });
    const waiting = await a.tasks.submit({ task_id: 'waiting', max_tokens: 3 });
    const b = await startNode();
    const reading = b.tasks.read(shown);
    await a.service.stop('SIGKILL');
    const { events } = await reading;
    expect(errorCodeOf(events)).toBe('ORCHESTRATOR_RESTARTED');
    expect(tokenIndexes(events)).toEqual(upTo(tokenIndexes(events).length));
    expect((await b.tasks.read(waiting)).events.at(-1)?.type).toBe('end');
    await eventually(
      () => b.tasks.idsInState('completed'),
      ids => ids.includes('waiting'),
    );
  });
});
