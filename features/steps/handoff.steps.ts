import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import { handoffOf } from '../support/handoff';
import type { ServiceWorld } from '../support/world';

async function replicasOf(world: ServiceWorld, poolId: string): Promise<Record<string, unknown>[]> {
  const answer = await world.look(`/v2/pools/${poolId}`);
  return answer.status === 200 ? (answer.json()['replicas'] as Record<string, unknown>[]) : [];
}

Given('a handoff file exists at .runtime\\/engines\\/{word}', async function (this: ServiceWorld, file: string) {
  this.names.set('file', file);
  this.writeHandoff(file, handoffOf((await this.engine()).url, 'gpu-0', 'r0'));
});

Given('the handoff contains url, pool_id, replica_id', function (this: ServiceWorld) {
  assert.equal(this.engines.length, 1);
});

Given('a pool {string} is already bound', async function (this: ServiceWorld, poolId: string) {
  await this.register(poolId, 'r0', { url: (await this.engine()).url });
  await this.until(`/v2/pools/${poolId}/health`, health => health['ready'] === true);
});

Given('a handoff file for {string} exists', async function (this: ServiceWorld, poolId: string) {
  this.names.set('file', `${poolId}.json`);
  this.writeHandoff(`${poolId}.json`, handoffOf((await this.engine()).url, poolId, 'r0'));
});

Given('the handoff watcher is running', async function (this: ServiceWorld) {
  await this.service();
});

When('the handoff watcher processes the file', async function (this: ServiceWorld) {
  const file = this.names.get('file');
  await this.until('/v2/handoff', list =>
    (list['items'] as Record<string, unknown>[]).some(item => item['file'] === file && item['state'] === 'bound'),
  );
});

When('I create a new handoff file', async function (this: ServiceWorld) {
  this.names.set('file', 'late.json');
  this.writeHandoff('late.json', handoffOf((await this.engine()).url, 'late', 'r9'));
});

When('I wait for the poll interval', async function (this: ServiceWorld) {
  const file = this.names.get('file');
  await this.until('/v2/handoff', list =>
    (list['items'] as Record<string, unknown>[]).some(item => item['file'] === file),
  );
});

Then('an adapter is bound to the pool', async function (this: ServiceWorld) {
  const [replica] = await replicasOf(this, this.poolId);
  assert.deepEqual([replica?.['engine'], replica?.['source']], ['llamacpp', 'handoff']);
});

Then('the pool is registered as ready', async function (this: ServiceWorld) {
  assert.equal((await this.look(`/v2/pools/${this.poolId}/health`)).json()['ready'], true);
});

Then('the pool is marked as bound', async function (this: ServiceWorld) {
  const { items } = (await this.look('/v2/handoff')).json<{ items: Record<string, unknown>[] }>();
  assert.equal(items[0]?.['state'], 'bound');
});

Then('a narration breadcrumb is emitted', async function (this: ServiceWorld) {
  const line = await this.waitForLog(({ event }) => event === 'autobind');
  assert.equal(line['pool_id'], this.poolId);
  assert.ok(String(line['human']).length > 10);
});

Then('the pool is not re-bound', async function (this: ServiceWorld) {
  const [first, second] = this.engines;
  await this.enqueue({ task_id: 'where', placement: { pin_pool_id: this.poolId } });
  await this.readTask('where');
  assert.deepEqual([first?.stats().started, second?.stats().started], [1, 0]);
  assert.equal((await replicasOf(this, this.poolId)).length, 1);
});

Then('the new handoff is processed', async function (this: ServiceWorld) {
  await this.until(
    '/v2/pools/late/health',
    health => health['ready'] === true && (health['replicas'] as unknown[]).length === 1,
  );
});
