import { strict as assert } from 'node:assert';
import { request as httpRequest, type ClientRequest } from 'node:http';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';
import { LAST_RESORT_MS } from '../../test/support/deadline';

/** A test that waits this long for what should come at once has found a fault. */

interface Output {
  readonly text: string;
  readonly truncated: boolean;
  readonly last_event_id: number;
}

/** Clients that wait for the answer to a submission. */
const waiting = new WeakMap<ServiceWorld, readonly ClientRequest[]>();

async function send(world: ServiceWorld, method: string, path: string, body?: object): Promise<void> {
  const service = await world.service();
  world.answers.push(
    await service.request(method, path, { ...(body && { body }), headers: world.headers, deadlineMs: LAST_RESORT_MS }),
  );
}

When(
  /^I submit task "([^"]+)"(?: with (\{.*\}))? and wait up to (\d+) seconds?$/,
  async function (this: ServiceWorld, taskId: string, more: string | null, wait: string) {
    // As a task that has been completed was submitted.
    const task = { task_id: taskId, prompt: 'Say hello.', max_tokens: 8, ...(JSON.parse(more ?? '{}') as object) };
    await send(this, 'POST', `/v2/tasks?wait=${wait}`, task);
  },
);

When(
  /^I look at task "([^"]+)" with its output(?: and wait up to (\d+) seconds)?$/,
  async function (this: ServiceWorld, taskId: string, wait: string | null) {
    await send(this, 'GET', `/v2/tasks/${taskId}?output=true${wait === null ? '' : `&wait=${wait}`}`);
  },
);

Given(
  /^a client waits for task "([^"]+)" with (\{.*\})$/,
  async function (this: ServiceWorld, taskId: string, more: string) {
    const { url, apiKey } = await this.service();
    const headers = { 'X-API-Key': apiKey, 'Content-Type': 'application/json' };
    const client = httpRequest(`${url}/v2/tasks?wait=60`, { method: 'POST', headers });
    client.on('error', () => undefined); // It leaves before its answer.
    client.end(JSON.stringify({ task_id: taskId, prompt: 'Say hello.', ...(JSON.parse(more) as object) }));
    waiting.set(this, [...(waiting.get(this) ?? []), client]);
    await this.until(`/v2/tasks/${taskId}`, task => task['state'] === 'streaming', LAST_RESORT_MS);
  },
);

When('both clients leave', function (this: ServiceWorld) {
  const clients = waiting.get(this) ?? [];
  assert.equal(clients.length, 2);
  for (const client of clients) client.destroy();
});

When('the service is started again', async function (this: ServiceWorld) {
  await this.restart('SIGTERM');
  await this.service();
});

Then(
  /^the answer is task "([^"]+)", (\w+)(?: with (\w+))?, with all that its stream says$/,
  async function (this: ServiceWorld, taskId: string, state: string, code: string | null) {
    const { task_id: id, state: told, output, error, usage } = this.json as Record<string, Record<string, unknown>>;
    assert.deepEqual([id, told, error?.['code'] ?? null], [taskId, state, code], this.answer.text);
    assert.ok(usage);
    const { events } = await this.readTask(taskId);
    assert.deepEqual(output, {
      text: tokensOf(this).join(''),
      truncated: false,
      last_event_id: Number(events.at(-1)?.id),
    });
    assert.notEqual((output as unknown as Output).text, '');
  },
);

Then(
  'the output is the beginning of what the stream of {string} says',
  async function (this: ServiceWorld, id: string) {
    const { text, truncated, last_event_id: last } = this.json['output'] as Output;
    await this.readTask(id, { until: event => Number(event.id) >= last });
    const seen = this.events('token').filter(event => Number(event.id) <= last);
    assert.equal(text, seen.map(({ data }) => (data as { t: string }).t).join(''));
    assert.deepEqual([truncated, last > 0], [false, true]);
  },
);

Then('without asking for it there is none', async function (this: ServiceWorld) {
  const { task_id: taskId } = this.json;
  const task = (await this.look(`/v2/tasks/${String(taskId)}`)).json();
  assert.equal('output' in task, false);
});

function tokensOf(world: ServiceWorld): readonly string[] {
  return world.events('token').map(({ data }) => (data as { t: string }).t);
}

Then('the answer says that a stand-in gave it', function (this: ServiceWorld) {
  assert.equal(this.json['stand_in'], true);
});
