import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Given('a session {string} does not exist', async function (this: ServiceWorld, _id: string) {
  // The service is fresh, and looking would make it.
  await this.service();
});

Given('a session {string} exists', async function (this: ServiceWorld, id: string) {
  // A finished task is a turn, by which this session can be told from a new one.
  await this.enqueue({ task_id: 'turn-1', session_id: id });
  await this.readTask('turn-1');
  assert.equal((await this.look(`/v2/sessions/${id}`)).json()['turns'], 1);
  this.reading = undefined;
});

When('I query session {string}', async function (this: ServiceWorld, id: string) {
  await this.request('GET', `/v2/sessions/${id}`);
});

When('I delete session {string}', async function (this: ServiceWorld, id: string) {
  await this.request('DELETE', `/v2/sessions/${id}`);
});

Then('the session is created with default values', function (this: ServiceWorld) {
  assert.deepEqual(this.json, {
    session_id: 'sess-1',
    ttl_ms_remaining: 600_000,
    turns: 0,
    kv_bytes: null,
    kv_warmth: 0,
    tokens_budget_remaining: 10_000_000,
    time_budget_remaining_ms: 86_400_000,
    cost_budget_remaining: 1000,
  });
});

Then('the session is removed', async function (this: ServiceWorld) {
  assert.equal((await this.look('/v2/sessions/sess-1')).json()['turns'], 0);
});
