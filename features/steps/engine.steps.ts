import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import { CompletionClient } from '../../test/engine/completion-client';
import type { ServiceWorld } from '../support/world';
import { LAST_RESORT_MS } from '../../test/support/deadline';

/** Tokens a second at which a task of a few hundred tokens runs for as long as a scenario needs. */
const SLOW = 50;
/** A test that waits this long for what should come at once has found a fault. */

/** Other clients of an engine than the service. */
const theOthers = new WeakMap<ServiceWorld, readonly CompletionClient[]>();

async function bindAs(
  world: ServiceWorld,
  slow: string | undefined,
  slots: number,
  poolId: string,
  replicaId = 'r0',
): Promise<void> {
  await world.bound(
    await world.engine({ slots, ...(slow !== undefined && { tokensPerSecond: SLOW }) }),
    poolId,
    replicaId,
  );
}

/** What the engine was asked to complete, oldest first. */
function completionsOf(world: ServiceWorld): ReturnType<ServiceWorld['theEngine']['stats']>['requests'] {
  return world.theEngine.stats().requests.filter(({ path }) => path === '/completion');
}

Given(
  /^an? (slow )?engine with (\d+) slots? is bound to pool "([^"]+)"$/,
  async function (this: ServiceWorld, slow: string | undefined, slots: string, poolId: string) {
    await bindAs(this, slow, Number(slots), poolId);
  },
);

Given(
  /^an engine with (\d+) slots? is bound to pool "([^"]+)" as "([^"]+)"$/,
  async function (this: ServiceWorld, slots: string, poolId: string, replicaId: string) {
    await bindAs(this, undefined, Number(slots), poolId, replicaId);
  },
);

Given(
  'an engine that takes {int} ms for a prompt and has {int} of its tokens in its cache is bound to pool {string}',
  async function (this: ServiceWorld, prefillMs: number, cachedTokens: number, poolId: string) {
    await this.bound(await this.engine({ prefillMs, cachedTokens }), poolId);
  },
);

Given(
  'a router engine with the models {string} is bound to pool {string}',
  async function (this: ServiceWorld, models: string, poolId: string) {
    await this.bound(await this.engine({ routerModels: models.split(', '), loadMs: 400 }), poolId);
  },
);

Given('the replica {string} is taken away', async function (this: ServiceWorld, name: string) {
  const { status } = await this.request('DELETE', `/v2/workers/${name}`);
  assert.equal(status, 204);
});

Given('it fails with {string}', function (this: ServiceWorld, fault: string) {
  const [name = '', value] = fault.split('=');
  this.lastEngine.control({ faults: { [name]: value === undefined ? true : Number(value) } });
});

Given(
  'an engine with {int} slot that is slow to notice who has gone is bound to pool {string}',
  async function (this: ServiceWorld, slots: number, poolId: string) {
    // It finds out when the prompt is read and it has something to send.
    await this.bound(await this.engine({ slots, prefillMs: 2000, noticeMs: 600_000 }), poolId);
  },
);

Given(
  'an engine that sleeps after {int} ms without work is bound to pool {string}',
  async function (this: ServiceWorld, sleepIdleMs: number, poolId: string) {
    await this.bound(await this.engine({ sleepIdleMs }), poolId);
  },
);

Given(
  'an engine with {int} slots, all of which another client uses, is bound to pool {string}',
  async function (this: ServiceWorld, slots: number, poolId: string) {
    const engine = await this.engine({ slots });
    const others = Array.from({ length: slots }, () => new CompletionClient(engine.url, { n_predict: 4000 }));
    await engine.until(stats => stats.active === slots, LAST_RESORT_MS);
    theOthers.set(this, others);
    await this.bound(engine, poolId);
  },
);

When('the other client leaves', function (this: ServiceWorld) {
  for (const client of theOthers.get(this) ?? []) client.leave();
});

Then('no task of ours has waited inside the engine', function (this: ServiceWorld) {
  assert.equal(this.theEngine.stats().deferrals, 0);
});

When('the engine has fallen asleep', async function (this: ServiceWorld) {
  await this.theEngine.until(stats => stats.asleep, LAST_RESORT_MS);
});

Then('the engine has been asleep once', function (this: ServiceWorld) {
  assert.equal(this.theEngine.stats().sleeps, 1);
});

Given('the engine is at work', async function (this: ServiceWorld) {
  await this.theEngine.until(stats => stats.active > 0, LAST_RESORT_MS);
});

When('the engine answers nobody any more', function (this: ServiceWorld) {
  // What stalls goes on to, when its fault is taken back.
  this.theEngine.control({ faults: { 'stall-prefill': Infinity, wedge: Infinity } });
});

Given(
  'an engine registers in pool {string} for {int} ms',
  async function (this: ServiceWorld, poolId: string, ttlMs: number) {
    await this.register(poolId, 'r0', { url: (await this.engine()).url, ttl_ms: ttlMs });
    await this.waitForLog(({ event }) => event === 'replica_bound');
  },
);

When('its time has passed', async function (this: ServiceWorld) {
  await this.waitForLog(({ event }) => event === 'replica_unbound');
});

Given(
  'an engine is named by ORCHD_LLAMACPP_URL, in pool {string} as {string}',
  async function (this: ServiceWorld, poolId: string, replicaId: string) {
    const { url } = await this.engine();
    this.names.set('pool', poolId);
    Object.assign(this.env, {
      ORCHD_LLAMACPP_URL: url,
      ORCHD_LLAMACPP_POOL: poolId,
      ORCHD_LLAMACPP_REPLICA: replicaId,
    });
    await this.until(`/v2/pools/${poolId}/health`, health => health['ready'] === true);
  },
);

Then('the engine works for nobody', async function (this: ServiceWorld) {
  await this.theEngine.until(stats => stats.active === 0 && stats.deferred === 0, LAST_RESORT_MS);
});

Then(/^the engine was asked (\d+) times?$/, function (this: ServiceWorld, times: string) {
  assert.equal(completionsOf(this).length, Number(times));
});

Then('the engine was asked again {int} ms later or more', function (this: ServiceWorld, ms: number) {
  const asked = this.engines[0]?.stats().requests.filter(({ path }) => path === '/completion') ?? [];
  assert.equal(asked.length, 2);
  assert.ok(Number(asked[1]?.atMs) - Number(asked[0]?.atMs) >= ms);
});

Then(/^the engine was asked with (\{.*\})$/, function (this: ServiceWorld, expected: string) {
  const [request] = completionsOf(this);
  assert.ok(request, 'the engine was asked for no completion');
  const body = request.body as Record<string, unknown>;
  for (const [field, value] of Object.entries(JSON.parse(expected) as Record<string, unknown>))
    assert.deepEqual(body[field], value, field);
});

Then('the engine was sent the correlation id {string}', function (this: ServiceWorld, id: string) {
  const [request] = completionsOf(this);
  assert.ok(request, 'the engine was asked for no completion');
  assert.equal(request.headers['x-correlation-id'], id);
});
