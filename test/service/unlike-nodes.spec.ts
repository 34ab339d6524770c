import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startStoreProxy } from '../nodes/store-proxy';
import { hasRedisServer, startRedis, type RedisServer } from '../support/redis-server';
import { command } from '../support/redis-sentinels';
import { startService, type RunningService } from '../support/service';

/* Nodes that are set differently, or of which one is too old. */

describe.skipIf(!hasRedisServer())('nodes that are not alike', { timeout: 120_000 }, () => {
  let redis: RedisServer;
  const nodes: RunningService[] = [];

  const start = async (env: Record<string, string> = {}): Promise<RunningService> => {
    const base = { ORCHD_STORE: redis.url, ORCHD_STORE_DURABILITY: 'memory', ORCHD_FALLBACK: 'wait' };
    const node = await startService({ env: { ...base, ...env } });
    nodes.push(node);
    return node;
  };
  beforeEach(async () => {
    redis = await startRedis();
  });
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.stop('SIGKILL');
    await redis.stop();
  });

  it('have one capacity, that of the one that started last (B-ND-022)', async () => {
    const a = await start({ ORCHD_ADMISSION_CAPACITY: '2' });
    const b = await start({ ORCHD_ADMISSION_CAPACITY: '3' });
    await a.waitForLog(({ event, setting }) => event === 'setting_adopted' && setting === 'ORCHD_ADMISSION_CAPACITY');
    const answers = [];
    for (const node of [a, b, a, b])
      answers.push((await node.request('POST', '/v2/tasks', { body: { prompt: 'Go.' } })).status);
    expect(answers).toEqual([202, 202, 202, 429]);
  });

  it('stop in order where the store comes back to them with keys that are newer than they know (B-ND-023)', async () => {
    const proxy = await startStoreProxy(redis.port);
    onTestFinished(() => proxy.stop());
    const node = await start({ ORCHD_STORE: proxy.url });
    proxy.cut();
    await node.waitForLog(({ event }) => event === 'store_lost');
    await command(redis.port, ['SET', '{orchestratord}:schema', '2']);
    proxy.mend();
    await expect(node.exited).resolves.toMatchObject({ code: 0 });
    const told = node.logs().filter(({ human }) => String(human).includes('version 2'));
    expect(told.map(({ event }) => event)).toEqual(['store_newer']);
  });

  it('stop in order once the keys are newer than they know, and say so when they are started again (B-ND-023)', async () => {
    const node = await start();
    await command(redis.port, ['SET', '{orchestratord}:schema', '2']);
    await expect(node.exited).resolves.toMatchObject({ code: 0 });
    expect(node.logs().some(({ event }) => event === 'store_newer')).toBe(true);
    await expect(start()).rejects.toThrow(/keys of version 2, and this node knows version 1: it is too old/);
  });
});
