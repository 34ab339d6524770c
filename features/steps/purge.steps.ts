import { strict as assert } from 'node:assert';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

interface Step {
  readonly step: string;
  readonly done: boolean;
  readonly reason?: string;
}

async function stepsOf(world: ServiceWorld): Promise<readonly Step[]> {
  const pool = await world.until('/v2/pools/default', view => view['last_purge'] !== undefined);
  return (pool['last_purge'] as { steps: Step[] }).steps;
}

Given('an engine that can erase slots is bound to pool {string}', async function (this: ServiceWorld, poolId: string) {
  await this.bound(await this.engine({ slots: 2, slotActions: true }), poolId);
});

Given('a file {string} beside the model directory', function (this: ServiceWorld, name: string) {
  writeFileSync(join(this.folder.path, name), 'not a model');
});

When(/^I purge pool "([^"]+)" with (\{.*\})$/, async function (this: ServiceWorld, poolId: string, order: string) {
  await this.request('POST', `/v2/pools/${poolId}/purge`, JSON.parse(order));
});

Then('the purge has done {string}', async function (this: ServiceWorld, wanted: string) {
  const steps = await stepsOf(this);
  for (const name of wanted.split(', '))
    assert.equal(steps.find(({ step }) => step === name)?.done, true, `${name}: ${JSON.stringify(steps)}`);
});

Then('the purge could not do {string}, and says why', async function (this: ServiceWorld, name: string) {
  const steps = await stepsOf(this);
  const found = steps.find(({ step }) => step === name);
  assert.equal(found?.done, false, JSON.stringify(steps));
  assert.ok((found.reason ?? '').length > 5);
});

Then('the engine was made to unload {string}', function (this: ServiceWorld, model: string) {
  assert.deepEqual(this.theEngine.stats().loads.at(-1), { model, action: 'unload' });
});

Then("the engine's slots were erased", function (this: ServiceWorld) {
  assert.deepEqual([...this.theEngine.stats().erasedSlots].sort(), [0, 1]);
});

Then('the file {string} is still there', function (this: ServiceWorld, name: string) {
  assert.ok(existsSync(join(this.folder.path, name)));
});
