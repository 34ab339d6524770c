import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import { hasRedisServer } from '../support/redis-server';
import type { RunningService } from '../support/service';
import { errorCodeOf, TaskClient } from '../support/task-client';
import { ask, told, TwoNodes } from '../support/two-nodes';

describe.skipIf(!hasRedisServer())('pools of two nodes over one store', { timeout: 3 * LAST_RESORT_MS }, () => {
  let engine: RunningEngine;
  let nodes: TwoNodes;

  const start = async (options: object, env: Readonly<Record<string, string>> = {}): Promise<void> => {
    engine = await startEngine({ slots: 2, tokensPerSecond: 50, ...options });
    nodes = await TwoNodes.start({ ORCHD_LLAMACPP_URL: engine.url, ...env });
    await nodes.ready('default');
  };
  const health = (at: RunningService): Promise<Record<string, unknown>> => told(at, 'GET', '/v2/pools/default/health');
  const becomes = (at: RunningService, ready: boolean): Promise<unknown> =>
    eventually(
      () => health(at),
      view => view['ready'] === ready,
    );
  /** One that the second node runs: it was admitted there while slots were free. */
  const runsAtB = async (): Promise<string> => {
    const taskId = await new TaskClient(nodes.b).submit({ max_tokens: 100_000, deadline_ms: 600_000 });
    await engine.until(({ active }) => active === 1);
    return taskId;
  };

  afterEach(async () => {
    await nodes.stop();
    await engine.stop();
  });

  it('one that is reloaded at a node gives no work at any, and is reloaded by one at a time (B-ND-009)', async () => {
    await start({ routerModels: ['tiny-a', 'tiny-b'] });
    const { a, b } = nodes;
    // It lasts for as long as it is looked at.
    engine.control({ faults: { 'stall-load': Infinity } });
    const reload = told(a, 'POST', '/v2/pools/default/reload', { new_model_ref: 'tiny-b' });
    await becomes(b, false);
    const second = await ask(b, 'POST', '/v2/pools/default/reload', { new_model_ref: 'tiny-a' });
    expect([second.status, second.json()['code']]).toEqual([409, 'POOL_BUSY']);
    const tasks = new TaskClient(b);
    const waits = await tasks.submit({ model_ref: 'tiny-b', max_tokens: 2 });
    expect(engine.stats().started).toBe(0);
    engine.control({ faults: {} });
    await reload;
    await becomes(b, true);
    await tasks.reached(waits, 'completed');
  });

  it('one that is reloaded at a node ends first what another runs there, and all count it (B-ND-009)', async () => {
    await start({ routerModels: ['tiny-a', 'tiny-b'], tokensPerSecond: 1 });
    const { a, b } = nodes;
    const tasks = new TaskClient(b);
    const taskId = await tasks.submit({ model_ref: 'tiny-a', max_tokens: 150 });
    for (const node of [a, b])
      await eventually(
        () => health(node),
        ({ metrics }) => (metrics as { running: number }).running === 1,
      );
    const reload = told(a, 'POST', '/v2/pools/default/reload', { new_model_ref: 'tiny-b' });
    await becomes(b, false);
    engine.control({ tokensPerSecond: 0 });
    await reload;
    expect((await tasks.view(taskId))['state']).toBe('completed');
  });

  it('one that a node was reloading that is no more gives work again (B-ND-009)', async () => {
    await start({ routerModels: ['tiny-a', 'tiny-b'], loadMs: 60_000 });
    const { a, b } = nodes;
    const reload = ask(a, 'POST', '/v2/pools/default/reload', { new_model_ref: 'tiny-b' }).catch(() => undefined);
    await becomes(b, false);
    await a.stop('SIGKILL');
    await reload;
    // What the engine makes of it is its own: that the pool is not kept closed shows in that another reload may begin.
    await eventually(
      () => ask(b, 'POST', '/v2/pools/default/purge', { purge_engine: false }),
      ({ status }) => status === 202,
      LAST_RESORT_MS,
    );
  });

  it('a purge by force ends what other nodes run there, and all tell what it came to (B-ND-009)', async () => {
    await start({});
    const taskId = await runsAtB();
    await told(nodes.a, 'POST', '/v2/pools/default/purge', { force: true });
    const { events } = await new TaskClient(nodes.a).read(taskId);
    expect(errorCodeOf(events)).toBe('POOL_DRAINED');
    const purgeAt = (at: RunningService): Promise<Record<string, unknown>> =>
      eventually(
        () => told(at, 'GET', '/v2/pools/default'),
        view => view['last_purge'] !== undefined,
      );
    expect((await purgeAt(nodes.b))['last_purge']).toEqual((await purgeAt(nodes.a))['last_purge']);
  });

  it('a drain at one node ends what another runs there at its deadline (B-ND-004)', async () => {
    await start({});
    const taskId = await runsAtB();
    await told(nodes.a, 'POST', '/v2/pools/default/drain', { deadline_ms: 300 });
    const { events } = await new TaskClient(nodes.a).read(taskId);
    expect(errorCodeOf(events)).toBe('POOL_DRAINED');
  });

  it('an engine is asked by one node in its rounds, and by the other when that is gone (B-ND-010)', async () => {
    const asked: number[] = [];
    engine = await startEngine({ slots: 2 });
    const counts = await countingProxy(engine.url, path => void (path === '/health' && asked.push(performance.now())));
    try {
      nodes = await TwoNodes.start({ ORCHD_LLAMACPP_URL: counts.url });
      await nodes.ready('default');
      const rounds = async (): Promise<number> => {
        const from = asked.length;
        const startMs = performance.now();
        await eventually(
          () => Promise.resolve(asked.length),
          count => count >= from + 30,
        );
        return (performance.now() - startMs) / 30;
      };
      // Two nodes that both ask come every 50 ms.
      expect(await rounds()).toBeGreaterThan(80);
      await nodes.a.stop('SIGKILL');
      expect(await rounds()).toBeGreaterThan(80);
      await counts.stop();
      await becomes(nodes.b, false);
    } finally {
      await counts.stop();
    }
  });

  it('what one node is told of an engine the other takes for true: it is ready at both when it is at one (B-ND-010)', async () => {
    await start({ slots: 3 });
    engine.control({ loading: true });
    for (const node of [nodes.a, nodes.b]) await becomes(node, false);
    engine.control({ loading: false });
    for (const node of [nodes.a, nodes.b]) await becomes(node, true);
  });

  it('what a worker has registered at a node that is no more lapses all the same, unless it is renewed at another (B-ND-027)', async () => {
    await start({});
    const [left, renewed] = [await startEngine({ slots: 1 }), await startEngine({ slots: 1 })];
    const register = (at: RunningService, url: string, poolId: string) =>
      at.request('POST', '/v2/workers/register', {
        body: { pool_id: poolId, replica_id: 'r0', engine: 'llamacpp', url, ttl_ms: 2000 },
        headers: { Authorization: 'Bearer worker-token' },
      });
    try {
      for (const [url, pool] of [
        [renewed.url, 'renewed'],
        [left.url, 'left'],
      ] as const)
        await eventually(
          // Again and again, for it may take longer than it lasts until both nodes have it.
          async () => {
            expect((await register(nodes.a, url, pool)).status).toBeLessThan(300);
            return Promise.all([nodes.a, nodes.b].map(node => ask(node, 'GET', `/v2/pools/${pool}`)));
          },
          answers => answers.every(({ text }) => text.includes('"ready":true')),
        );
      await nodes.a.stop('SIGTERM');
      await eventually(
        async () => {
          await register(nodes.b, renewed.url, 'renewed');
          return ask(nodes.b, 'GET', '/v2/pools/left');
        },
        ({ status }) => status === 404,
        LAST_RESORT_MS,
      );
      expect((await ask(nodes.b, 'GET', '/v2/pools/renewed')).status).toBe(200);
    } finally {
      for (const each of [left, renewed]) await each.stop();
    }
  });

  it('handoff files are each node’s own: taking one away unbinds what that node bound and nothing else (B-ND-011)', async () => {
    await start({});
    const { a, b } = nodes;
    const other = await startEngine({ slots: 1 });
    const third = await startEngine({ slots: 1 });
    try {
      const file = (at: RunningService, url: string, poolId: string): string => {
        mkdirSync(at.runtimeDir, { recursive: true });
        const path = join(at.runtimeDir, `${poolId}.json`);
        writeFileSync(path, JSON.stringify({ url, pool_id: poolId, replica_id: 'r0', engine: 'llamacpp' }));
        return path;
      };
      const [atA] = [file(a, other.url, 'of-a'), file(b, third.url, 'of-b')];
      for (const pool of ['of-a', 'of-b']) await nodes.ready(pool);
      rmSync(atA);
      for (const node of [a, b])
        await eventually(
          () => ask(node, 'GET', '/v2/pools/of-a'),
          ({ status }) => status === 404,
        );
      // Long after a scan of either folder.
      await new TaskClient(b)
        .submit({ placement: { pin_pool_id: 'of-b' }, max_tokens: 2 })
        .then(id => new TaskClient(a).reached(id, 'completed'));
      for (const node of [a, b]) expect((await ask(node, 'GET', '/v2/pools/of-b')).status).toBe(200);
    } finally {
      await other.stop();
      await third.stop();
    }
  });
});

/** The way to an engine, on which each request is told. */
async function countingProxy(
  target: string,
  see: (path: string) => void,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((asked, answer) => {
    see(asked.url ?? '');
    const { method, headers, url } = asked;
    const onward = request(`${target}${url}`, { method, headers }, reply => {
      answer.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
