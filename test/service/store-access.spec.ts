import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually } from '../support/deadline';
import { freePort } from '../support/free-port';
import { hasRedisServer, startRedis, type RedisServer } from '../support/redis-server';
import { command, startSentinels, type Sentinels } from '../support/redis-sentinels';
import { startService, type RunningService } from '../support/service';
import { TaskClient, tokenIndexes, upTo } from '../support/task-client';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/* Nodes over a store that is hard to get into, and over one that sentinels watch. */

const tls = resolve(__dirname, '../support/tls');

/** The rules of the user, as they are documented. */
function documentedRules(): readonly string[] {
  const text = readFileSync(resolve(__dirname, '../../docs/operations.md'), 'utf8');
  const [, rules = ''] = /ACL SETUSER orchestratord reset on '>…' \\\n([^`]+)```/.exec(text) ?? [];
  return rules.split(/[\s\\']+/).filter(word => word !== '');
}

describe.skipIf(!hasRedisServer())('nodes and their way to a store (B-ND-020)', { timeout: 120_000 }, () => {
  let engine: RunningEngine;
  let folder: TemporaryFolder;
  const servers: RedisServer[] = [];
  const nodes: RunningService[] = [];
  let sentinels: Sentinels | undefined;

  const redis = async (settings: readonly string[] = []): Promise<RedisServer> => {
    const server = await startRedis({ settings });
    servers.push(server);
    return server;
  };
  const startNode = async (env: Record<string, string>): Promise<RunningService> => {
    const node = await startService({
      env: {
        ORCHD_STORE_DURABILITY: 'memory',
        ORCHD_LLAMACPP_URL: engine.url,
        ORCHD_FALLBACK: 'wait',
        ORCHD_PROBE_INTERVAL_MS: '200',
        ...env,
      },
    });
    nodes.push(node);
    return node;
  };

  beforeEach(async () => {
    folder = temporaryFolder();
    engine = await startEngine({ slots: 2, tokensPerSecond: 100 });
  });
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.stop('SIGKILL');
    await sentinels?.stop();
    sentinels = undefined;
    for (const server of servers.splice(0)) await server.stop();
    await engine.stop();
    folder.remove();
  });

  it('over TLS, by a certificate, as a user with the documented rules and no more', async () => {
    const port = await freePort();
    const [authority, certificate, key] = ['authority.pem', 'server.pem', 'server.key.pem'].map(name =>
      join(tls, name),
    );
    const files = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-ca-cert-file', authority] as string[];
    const server = await redis(['--tls-port', String(port), '--tls-auth-clients', 'yes', ...files]);
    await command(server.port, ['ACL', 'SETUSER', 'orchestratord', 'reset', 'on', '>secret', ...documentedRules()]);
    const password = join(folder.path, 'password');
    writeFileSync(password, 'secret\n');
    const env = {
      ORCHD_STORE: `rediss://localhost:${port}`,
      ORCHD_STORE_CA_FILE: String(authority),
      ORCHD_STORE_CERT_FILE: String(certificate),
      ORCHD_STORE_KEY_FILE: String(key),
      ORCHD_STORE_USER: 'orchestratord',
      ORCHD_STORE_PASSWORD_FILE: password,
    };
    const [a, b] = [await startNode(env), await startNode(env)];
    const [here, there] = [new TaskClient(a), new TaskClient(b)];
    await here.slotsFree(2);
    const taskId = await here.submit({ max_tokens: 20, session_id: 'one' });
    expect(tokenIndexes((await there.read(taskId)).events)).toEqual(upTo(20));
    await there.reached(taskId, 'completed');
    const long = await here.submit({ max_tokens: 100_000, deadline_ms: 600_000 });
    await there.reached(long, 'streaming');
    const asked = [
      await b.request('POST', `/v2/tasks/${long}/cancel`),
      await b.request('GET', '/v2/tasks?session_id=one'),
      await b.request('GET', '/v2/sessions/one'),
      await b.request('DELETE', '/v2/sessions/one'),
      await a.request('POST', '/v2/artifacts', { body: { a: 1 } }),
      await b.request('GET', '/v2/artifacts?limit=5'),
      await b.request('GET', '/v2/catalog/models'),
      await a.request('POST', '/v2/pools/default/drain', { body: { deadline_ms: 1000 } }),
      await b.request('POST', '/v2/pools/default/undrain'),
    ];
    expect(asked.filter(({ status }) => status >= 400).map(({ text }) => text)).toEqual([]);
    await there.reached(long, 'cancelled');
    await expect(command(server.port, ['ACL', 'LOG'])).resolves.toEqual([]);
  });

  it('acknowledges a task, also one that is sent again, no sooner than a replica has it (B-ND-031)', async () => {
    const first = await redis();
    const node = await startNode({
      ORCHD_STORE: first.url,
      ORCHD_STORE_DURABILITY: 'replica',
      ORCHD_LOG_LEVEL: 'info',
    });
    const submit = () =>
      node.request('POST', '/v2/tasks', { body: { task_id: 'waits-for-a-replica', prompt: 'Hi.', max_tokens: 1 } });
    for (let time = 0; time < 2; time++) {
      const { status, text } = await submit();
      expect([status, text]).toEqual([503, expect.stringContaining('STORAGE_UNAVAILABLE')]);
    }
    const told = () => node.logs().flatMap(({ event }) => (String(event).startsWith('store_') ? [event] : []));
    expect(told()).toEqual(['store_without_replica', 'store_not_durable']);
    await redis(['--replicaof', '127.0.0.1', String(first.port)]);
    await eventually(submit, ({ status }) => status === 202);
    expect(told()).toEqual(['store_without_replica', 'store_not_durable', 'store_durable']);
  });

  it('goes on after a failover that sentinels decide on', async () => {
    const first = await redis();
    const second = await redis(['--replicaof', '127.0.0.1', String(first.port)]);
    sentinels = await startSentinels(first, 1);
    const env = { ORCHD_STORE: sentinels.url };
    const [a, b] = [await startNode(env), await startNode(env)];
    const [here, there] = [new TaskClient(a), new TaskClient(b)];
    await here.slotsFree(2);
    const before = await here.submit({ max_tokens: 20 });
    await there.reached(before, 'completed');
    await eventually(
      () => command<string>(first.port, ['INFO', 'replication']),
      // What was written last has to be at the replica: a failover keeps no more than that.
      text => {
        const [, there] = /state=online,offset=(\d+)/.exec(text) ?? [];
        return there !== undefined && there === /master_repl_offset:(\d+)/.exec(text)?.[1];
      },
    );
    await first.stop();
    await eventually(
      () => (sentinels as Sentinels).port(),
      port => port === second.port,
    );
    for (const { service, taskId } of [
      { service: here, taskId: 'at-a' },
      { service: there, taskId: 'at-b' },
    ]) {
      await eventually(
        () => service.post({ task_id: taskId, max_tokens: 20 }).catch(() => undefined),
        answer => answer?.status === 202,
      );
    }
    // Read at the other one, each.
    expect(tokenIndexes((await there.read('at-a')).events)).toEqual(upTo(20));
    expect(tokenIndexes((await here.read('at-b')).events)).toEqual(upTo(20));
    expect(await there.view(before)).toMatchObject({ state: 'completed' });
    await expect(command(second.port, ['HGET', '{orchestratord}:t:at-a', 'seq'])).resolves.toEqual(expect.any(String));
  });
});
