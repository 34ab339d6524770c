import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import { eventually, LAST_RESORT_MS } from '../../test/support/deadline';
import { startStoreProxy, type StoreProxy } from '../../test/nodes/store-proxy';
import type { HttpAnswer } from '../../test/support/http-client';
import { hasRedisServer, startRedis, type RedisOptions, type RedisServer } from '../../test/support/redis-server';
import { startService, type RunningService } from '../../test/support/service';
import { errorCodeOf, TaskClient, tokenIndexes, upTo } from '../../test/support/task-client';
import type { ServiceWorld } from '../support/world';

/** What a scenario of several nodes has beside its World. */
class Nodes {
  services: RunningService[] = [];
  answers: HttpAnswer[] = [];
  fault = '';
  /** The way of the first node to the store. */
  way: StoreProxy | undefined;

  constructor(public redis: RedisServer) {}

  tasksAt(at: number): TaskClient {
    const service = this.services[at];
    assert.ok(service, `there is no node ${at}`);
    return new TaskClient(service);
  }

  request(at: number, method: string, path: string, body?: object): Promise<HttpAnswer> {
    const service = this.services[at];
    assert.ok(service, `there is no node ${at}`);
    return service.request(method, path, body ? { body } : {});
  }
}

const ofWorld = new WeakMap<ServiceWorld, Nodes>();

function nodesOf(world: ServiceWorld): Nodes {
  const nodes = ofWorld.get(world);
  assert.ok(nodes, 'this scenario has no store');
  return nodes;
}

async function openStore(world: ServiceWorld, options: RedisOptions = {}): Promise<Nodes> {
  const nodes = new Nodes(await startRedis({ ...options, folder: world.folder }));
  ofWorld.set(world, nodes);
  world.atEnd(async () => {
    for (const service of nodes.services) await service.stop('SIGKILL');
    await nodes.way?.stop();
    await nodes.redis.stop();
  });
  return nodes;
}

function envOf({ redis }: Nodes, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    ORCHD_STORE: redis.url,
    ORCHD_STORE_DURABILITY: 'memory',
    ORCHD_FALLBACK: 'wait',
    ORCHD_PROBE_INTERVAL_MS: '100',
    AUTH_TOKEN: 'worker-token',
    ...more,
  };
}

async function twoNodes(world: ServiceWorld, slots: number, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const engine = await world.engine({ slots, tokensPerSecond: 100 });
  const nodes = await openStore(world);
  const settings = envOf(nodes, { ORCHD_LLAMACPP_URL: engine.url, ...env });
  nodes.services = await Promise.all([startService({ env: settings }), startService({ env: settings })]);
  for (const at of [0, 1]) await nodes.tasksAt(at).slotsFree(slots);
}

Given('two nodes over one store, and an engine', async function (this: ServiceWorld) {
  return hasRedisServer() ? twoNodes(this, 2) : 'skipped';
});

Given('two nodes over one store, and an engine with one slot', async function (this: ServiceWorld) {
  return hasRedisServer() ? twoNodes(this, 1) : 'skipped';
});

Given(
  'two nodes over one store, and an engine, with a budget of {int} tokens',
  async function (this: ServiceWorld, tokens: number) {
    return hasRedisServer() ? twoNodes(this, 2, { ORCHD_SESSION_TOKENS_BUDGET: String(tokens) }) : 'skipped';
  },
);

Given('two nodes over one store', async function (this: ServiceWorld) {
  if (!hasRedisServer()) return 'skipped';
  const nodes = await openStore(this);
  const env = envOf(nodes);
  nodes.services = await Promise.all([startService({ env }), startService({ env })]);
  return undefined;
});

Given('the first node runs a long task', async function (this: ServiceWorld) {
  const tasks = nodesOf(this).tasksAt(0);
  await tasks.submit({ task_id: 'long', max_tokens: 100_000, deadline_ms: 600_000 });
  await tasks.read('long', { until: (_, events) => events.length > 5 });
});

Given('the first node runs a long task, and another one waits', async function (this: ServiceWorld) {
  const tasks = nodesOf(this).tasksAt(0);
  await tasks.submit({ task_id: 'long', max_tokens: 100_000, deadline_ms: 600_000 });
  await tasks.read('long', { until: (_, events) => events.length > 5 });
  await tasks.submit({ task_id: 'waits', max_tokens: 3 });
});

When('I submit a task of {int} tokens to the first node', async function (this: ServiceWorld, tokens: number) {
  await nodesOf(this).tasksAt(0).submit({ task_id: 'short', max_tokens: tokens });
});

Then('the second node streams its {int} tokens and its end', async function (this: ServiceWorld, tokens: number) {
  const { events } = await nodesOf(this).tasksAt(1).read('short');
  assert.deepEqual(tokenIndexes(events), upTo(tokens));
  assert.equal(events.at(-1)?.type, 'end');
});

Then('both nodes say that it is {word}', async function (this: ServiceWorld, state: string) {
  const taskId = state === 'completed' ? 'short' : 'long';
  for (const at of [0, 1]) await nodesOf(this).tasksAt(at).reached(taskId, state);
});

When('I cancel it at the second node', async function (this: ServiceWorld) {
  const answer = await nodesOf(this).request(1, 'POST', '/v2/tasks/long/cancel');
  assert.equal(answer.status, 204);
});

Then('the engine is free', async function (this: ServiceWorld) {
  await this.theEngine.until(({ active }) => active === 0);
});

When('I submit the same task to both nodes', async function (this: ServiceWorld) {
  const nodes = nodesOf(this);
  const body = { task_id: 'same', max_tokens: 3 };
  nodes.answers = await Promise.all([0, 1].map(at => nodes.tasksAt(at).post(body)));
});

Then('both answers are the same', function (this: ServiceWorld) {
  const [one, other] = nodesOf(this).answers;
  assert.deepEqual([one?.status, other?.status], [202, 202]);
  assert.equal(one?.text, other?.text);
});

Then('the engine has run it once', async function (this: ServiceWorld) {
  await nodesOf(this).tasksAt(1).reached('same', 'completed');
  assert.equal(this.theEngine.stats().started, 1);
});

When(
  'I submit two tasks of {int} tokens of one session, one to each node',
  async function (this: ServiceWorld, tokens: number) {
    const nodes = nodesOf(this);
    const body = { session_id: 'ada', max_tokens: tokens };
    nodes.answers = await Promise.all([0, 1].map(at => nodes.tasksAt(at).post(body)));
  },
);

Then('one is accepted and the other is refused with {word}', function (this: ServiceWorld, code: string) {
  const [refused, accepted] = [...nodesOf(this).answers].sort((a, b) => b.status - a.status);
  assert.deepEqual([accepted?.status, refused?.json()['code']], [202, code]);
});

When('a worker registers an engine at the first node', async function (this: ServiceWorld) {
  const engine = await this.engine();
  const body = { pool_id: 'gpu', replica_id: 'r0', engine: 'llamacpp', url: engine.url, ttl_ms: 60_000 };
  const headers = { Authorization: 'Bearer worker-token' };
  const answer = await nodesOf(this).services[0]?.request('POST', '/v2/workers/register', { body, headers });
  assert.ok(answer && answer.status < 300, answer?.text);
});

Then('the second node has its pool, ready', async function (this: ServiceWorld) {
  await eventually(
    () => nodesOf(this).request(1, 'GET', '/v2/pools/gpu/health'),
    ({ status, text }) => status === 200 && text.includes('"ready":true'),
    LAST_RESORT_MS,
  );
});

When('the pool is drained at the second node', async function (this: ServiceWorld) {
  const answer = await nodesOf(this).request(1, 'POST', '/v2/pools/gpu/drain', { deadline_ms: 60_000 });
  assert.ok(answer.status < 300, answer.text);
});

Then('the first node says that it drains', async function (this: ServiceWorld) {
  await eventually(
    () => nodesOf(this).request(0, 'GET', '/v2/pools/gpu/health'),
    ({ text }) => text.includes('"draining":true'),
    LAST_RESORT_MS,
  );
});

When('the engine is unbound at the second node', async function (this: ServiceWorld) {
  const answer = await nodesOf(this).request(1, 'DELETE', '/v2/workers/gpu/r0');
  assert.ok(answer.status < 300, answer.text);
});

Then('the first node has no such replica', async function (this: ServiceWorld) {
  await eventually(
    () => nodesOf(this).request(0, 'GET', '/v2/workers'),
    ({ status, text }) => status === 200 && !text.includes('"replica_id":"r0"'),
    LAST_RESORT_MS,
  );
});

When('the first node is killed', async function (this: ServiceWorld) {
  await nodesOf(this).services[0]?.stop('SIGKILL');
});

Then(
  'the stream of the long task ends at the second node with {word}',
  async function (this: ServiceWorld, code: string) {
    const { events } = await nodesOf(this).tasksAt(1).read('long');
    assert.equal(errorCodeOf(events), code);
  },
);

Then('the task that waited is completed', async function (this: ServiceWorld) {
  await nodesOf(this).tasksAt(1).reached('waits', 'completed');
});

When('the store is killed', async function (this: ServiceWorld) {
  await nodesOf(this).redis.stop('SIGKILL');
});

Then('a submission to the first node is refused with {word}', async function (this: ServiceWorld, code: string) {
  const answer = await eventually(
    () => nodesOf(this).tasksAt(0).post({ max_tokens: 3 }),
    ({ status }) => status === 503,
    LAST_RESORT_MS,
  );
  assert.equal(answer.json()['code'], code);
});

Given('two nodes over one store, the first by a way that can be cut', async function (this: ServiceWorld) {
  if (!hasRedisServer()) return 'skipped';
  const nodes = await openStore(this);
  nodes.way = await startStoreProxy(nodes.redis.port);
  const env = envOf(nodes);
  nodes.services = await Promise.all([
    startService({ env: { ...env, ORCHD_STORE: nodes.way.url } }),
    startService({ env }),
  ]);
  return undefined;
});

When('the first node is cut off from the store', function (this: ServiceWorld) {
  nodesOf(this).way?.cut();
});

When('the way of the first node is mended', function (this: ServiceWorld) {
  nodesOf(this).way?.mend();
});

/** Asked until it answers so. */
function ready(world: ServiceWorld, at: number, wanted: number): Promise<HttpAnswer> {
  return eventually(
    () => nodesOf(world).request(at, 'GET', '/readyz'),
    ({ status }) => status === wanted,
    LAST_RESORT_MS,
  );
}

Then(
  'the first node is not ready, for {word}, and says when to ask again',
  async function (this: ServiceWorld, code: string) {
    const { headers, ...answer } = await ready(this, 0, 503);
    assert.deepEqual([answer.json()['code'], answer.json()['retriable']], [code, true]);
    assert.equal(headers['retry-after'], '1');
  },
);

Then(
  'what is submitted to it is refused, with when to come again, and the connection closed',
  async function (this: ServiceWorld) {
    const { status, headers } = await nodesOf(this).tasksAt(0).post({ max_tokens: 3 });
    assert.deepEqual([status, headers['retry-after'], headers['connection']], [503, '1', 'close']);
  },
);

Then('the first node is alive, and the second ready', async function (this: ServiceWorld) {
  const nodes = nodesOf(this);
  const answers = [await nodes.request(0, 'GET', '/healthz'), await nodes.request(1, 'GET', '/readyz')];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
});

Then('the first node is ready, and takes a task', async function (this: ServiceWorld) {
  await ready(this, 0, 200);
  const answer = await nodesOf(this).tasksAt(0).post({ max_tokens: 3 });
  assert.equal(answer.status, 202);
});

When('the store is started again', async function (this: ServiceWorld) {
  const nodes = nodesOf(this);
  nodes.redis = await startRedis({ port: nodes.redis.port, folder: this.folder });
});

Then('a task is accepted by the first node and completed', async function (this: ServiceWorld) {
  const tasks = nodesOf(this).tasksAt(0);
  await eventually(
    () => tasks.post({ task_id: 'after', max_tokens: 3 }),
    ({ status }) => status === 202,
    LAST_RESORT_MS,
  );
  await tasks.reached('after', 'completed');
});

Given('a store that throws keys away when its memory is full', async function (this: ServiceWorld) {
  if (!hasRedisServer()) return 'skipped';
  await openStore(this, { settings: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] });
  return undefined;
});

Given('a store that writes nothing to its disk', async function (this: ServiceWorld) {
  if (!hasRedisServer()) return 'skipped';
  await openStore(this);
  return undefined;
});

async function startFaulty(world: ServiceWorld, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const nodes = nodesOf(world);
  try {
    nodes.services.push(await startService({ env: envOf(nodes, env) }));
  } catch (fault) {
    nodes.fault = String(fault);
  }
}

When('a node is started on it', function (this: ServiceWorld) {
  return startFaulty(this);
});

When('a node is started on it that acknowledges what is on the disk', function (this: ServiceWorld) {
  return startFaulty(this, { ORCHD_STORE_DURABILITY: 'disk' });
});

Then('it does not start, and says to set {string}', function (this: ServiceWorld, setting: string) {
  assert.match(nodesOf(this).fault, /cannot start/);
  assert.ok(nodesOf(this).fault.includes(setting), nodesOf(this).fault);
});
