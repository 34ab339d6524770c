import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { RunningEngine } from '../../test/engine/engine';
import { wireNames } from '../../test/engine/engine-options';
import type { ServiceWorld } from '../support/world';

type Members = Readonly<Record<string, unknown>>;

interface Ended {
  readonly task_id: string;
  readonly state: string;
  readonly engine: string;
  readonly usage: { readonly tokens_out: number };
  readonly output: { readonly text: string };
}

const MODEL = 'some-model';

function engineOf(world: ServiceWorld, kind: string, slots: number): Promise<RunningEngine> {
  const wire = wireNames.find(name => name === kind);
  assert.ok(wire, kind);
  // Ollama and Triton have models that are loaded or not.
  const names = wire === 'ollama' ? { routerModels: [MODEL] } : { model: MODEL };
  return world.engine({ wire, slots, ...names });
}

Given(
  /^an engine of the kind "(\w+)" with (\d+) slots is bound to pool "([^"]+)"(?: for (\d+) at once)?$/,
  async function (this: ServiceWorld, kind: string, slots: string, poolId: string, most: string | null) {
    const engine = await engineOf(this, kind, Number(slots));
    await this.bound(engine, poolId, 'r0', { engine: kind, slots_total: Number(most ?? slots) });
  },
);

Then(
  'it ran on an engine of the kind {string}, and its output has {int} tokens that ended for want of more',
  async function (this: ServiceWorld, kind: string, tokens: number) {
    const { task_id: id, state, engine, usage, output } = this.json as unknown as Ended;
    assert.deepEqual([state, engine, usage.tokens_out], ['completed', kind, tokens], this.answer.text);
    assert.notEqual(output.text, '');
    await this.readTask(id);
    assert.equal((this.events('end')[0]?.data as Members)['finish_reason'], 'length');
  },
);

When(
  'an engine of the kind {string} registers without saying so, at an address that ends with {string}',
  async function (this: ServiceWorld, kind: string, path: string) {
    const { url } = await engineOf(this, kind, 2);
    await this.register('default', 'r0', { url: `${url}${path}` });
    const headers = { Authorization: `Bearer ${this.env['AUTH_TOKEN'] ?? ''}` };
    await this.request('POST', '/v2/workers/register', { pool_id: 'default', url: `${url}${path}` }, headers);
  },
);

Then('the answer says that it is of the kind {string}', function (this: ServiceWorld, kind: string) {
  assert.equal(this.json['engine'], kind, this.answer.text);
});

Then('the same address without that is the same engine', async function (this: ServiceWorld) {
  const headers = { Authorization: `Bearer ${this.env['AUTH_TOKEN'] ?? ''}` };
  const body = { pool_id: 'default', replica_id: 'other', url: this.theEngine.url };
  const answer = await this.request('POST', '/v2/workers/register', body, headers);
  this.answers.pop();
  assert.deepEqual([answer.status, answer.json()['code']], [409, 'REPLICA_CONFLICT']);
});

Then('the task was completed once the engine had room', function (this: ServiceWorld) {
  assert.equal(this.json['state'], 'completed', this.answer.text);
  const retries = this.logged.filter(({ event, code }) => event === 'task_retried' && code === 'ENGINE_BUSY');
  assert.equal(retries.length, 1);
});

/** The most that the engine had at once, by scenario. */
const most = new WeakMap<ServiceWorld, number>();

When('{int} tasks are submitted to it at once', async function (this: ServiceWorld, count: number) {
  const engine = this.theEngine;
  let highest = 0;
  const looked = engine.until(stats => {
    highest = Math.max(highest, stats.active + stats.deferred);
    return stats.finished === count;
  });
  const ids = Array.from({ length: count }, (_, n) => `t-${n}`);
  await Promise.all(ids.map(id => this.accepted(id, { max_tokens: 20 })));
  await looked;
  most.set(this, highest);
});

Then('the engine never had more than {int} of them', function (this: ServiceWorld, bound: number) {
  assert.equal(most.get(this), bound);
});

Then('the engine was told the priority {int}', function (this: ServiceWorld, priority: number) {
  const request = this.theEngine.stats().requests.find(({ path }) => path === '/v1/completions');
  assert.equal((request?.body as Members)['priority'], priority);
});
