import { strict as assert } from 'node:assert';
import { Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

When('I register a worker', async function (this: ServiceWorld) {
  await this.request('POST', '/v2/workers/register', {});
});

When(
  'I register a worker with pool_id {string} and replica_id {string}',
  async function (this: ServiceWorld, pool: string, replica: string) {
    await this.request('POST', '/v2/workers/register', { pool_id: pool, replica_id: replica });
  },
);

Then('the response includes identity fingerprint', function (this: ServiceWorld) {
  assert.match(String(this.json['identity']), /^token:[0-9a-f]{6}$/);
});

Then('an identity breadcrumb is logged', async function (this: ServiceWorld) {
  const line = await this.waitForLog(({ event }) => event === 'worker_register');
  assert.equal(line['identity'], this.json['identity']);
});
