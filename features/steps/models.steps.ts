import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

type Replica = Record<string, unknown> & { failed_models?: { model: string; reason: string }[] };

function replicaIn(pool: Record<string, unknown>): Replica {
  const [replica] = pool['replicas'] as Replica[];
  assert.ok(replica, 'the pool has no replica');
  return replica;
}

async function replicaOf(world: ServiceWorld, poolId: string): Promise<Replica> {
  return replicaIn((await world.look(`/v2/pools/${poolId}`)).json());
}

Given(
  'an engine with the model {string} from {string}, also called {string}, is bound to pool {string}',
  async function (this: ServiceWorld, model: string, modelPath: string, alias: string, poolId: string) {
    await this.bound(await this.engine({ model, modelPath, aliases: [alias] }), poolId);
  },
);

Given(
  'an engine with a context of {int} is bound to pool {string}',
  async function (this: ServiceWorld, ctxTokens: number, poolId: string) {
    await this.bound(await this.engine({ ctxTokens }), poolId);
  },
);

Given(
  'a router engine with 1 slot and the model {string} is bound to pool {string}',
  async function (this: ServiceWorld, model: string, poolId: string) {
    const engine = await this.engine({ routerModels: [model], maxInstances: 1, slots: 1, loadMs: 300 });
    await this.bound(engine, poolId);
  },
);

Given(
  /^the catalogue has the file "([^"]+)" as "([^"]+)"(, and that is retired)?$/,
  async function (this: ServiceWorld, localPath: string, id: string, isRetired: string | null) {
    const made = await this.request('POST', '/v2/catalog/models', { id, local_path: localPath });
    assert.equal(made.status, 201, made.text);
    if (isRetired !== null) await this.request('POST', `/v2/catalog/models/${id}/state`, { state: 'Retired' });
    this.answers = [];
  },
);

Given('it cannot load {string}', function (this: ServiceWorld, model: string) {
  const engine = this.engines.at(-1);
  assert.ok(engine, 'no engine was started');
  engine.control({ brokenModels: [model] });
});

Given('it can load everything again', function (this: ServiceWorld) {
  const engine = this.engines.at(-1);
  assert.ok(engine, 'no engine was started');
  engine.control({ brokenModels: [] });
});

Given(/^task "([^"]+)" with (\{.*\}) has failed$/, async function (this: ServiceWorld, taskId: string, more: string) {
  await this.accepted(taskId, JSON.parse(more) as Record<string, unknown>);
  await this.until(`/v2/tasks/${taskId}`, task => task['state'] === 'failed');
});

When(
  'pool {string} has the models {string} again',
  async function (this: ServiceWorld, poolId: string, models: string) {
    const wanted = models.split(', ');
    await this.until(`/v2/pools/${poolId}`, pool => (replicaIn(pool)['models'] as string[]).join() === wanted.join());
  },
);

Then('its record and its stream say that {string} ran', async function (this: ServiceWorld, model: string) {
  const taskId = this.names.get('ended') ?? '';
  assert.equal((await this.look(`/v2/tasks/${taskId}`)).json()['model'], model);
  await this.readTask(taskId);
  const [started] = this.events('started');
  assert.equal((started?.data as Record<string, unknown>)['model'], model);
});

Given(
  'pool {string} soon shows {string} as loaded',
  async function (this: ServiceWorld, poolId: string, model: string) {
    await this.until(`/v2/pools/${poolId}`, pool => replicaIn(pool)['loaded_model'] === model);
  },
);

Then('pool {string} shows {string} as loaded', async function (this: ServiceWorld, poolId: string, model: string) {
  assert.equal((await replicaOf(this, poolId))['loaded_model'], model);
});

Then(
  'pool {string} has the models {string}, and {string} has failed with {string}',
  async function (this: ServiceWorld, poolId: string, models: string, failed: string, reason: string) {
    const replica = await replicaOf(this, poolId);
    assert.deepEqual(replica['models'], models.split(', '));
    const failure = replica.failed_models?.find(({ model }) => model === failed);
    assert.ok(failure?.reason.includes(reason), JSON.stringify(replica.failed_models));
  },
);

Then('the tasks {string} fail with {word}', async function (this: ServiceWorld, ids: string, code: string) {
  for (const id of ids.split(', ')) {
    const task = await this.until(`/v2/tasks/${id}`, view => view['state'] === 'failed');
    assert.equal((task['error'] as Record<string, unknown>)['code'], code);
  }
});

Then(/^task "([^"]+)" with (\{.*\}) is served$/, async function (this: ServiceWorld, taskId: string, more: string) {
  await this.accepted(taskId, JSON.parse(more) as Record<string, unknown>);
  await this.until(`/v2/tasks/${taskId}`, task => task['state'] === 'completed');
});
