import { strict as assert } from 'node:assert';
import { Then } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

async function logText(world: ServiceWorld): Promise<string> {
  return JSON.stringify((await world.service()).logs());
}

Then('the log has the event {string}', async function (this: ServiceWorld, event: string) {
  await this.waitForLog(line => line['event'] === event);
});

Then('the log has a warning that mentions {string}', async function (this: ServiceWorld, text: string) {
  await this.waitForLog(line => line['level'] === 'warn' && String(line['human']).includes(text));
});

Then('{string} stands nowhere in the log', async function (this: ServiceWorld, canary: string) {
  const text = await logText(this);
  assert.ok(text.length > 100);
  assert.ok(!text.includes(canary));
});

Then('neither the API key nor the worker token stands in log or metrics', async function (this: ServiceWorld) {
  const text = (await logText(this)) + (await this.look('/metrics')).text;
  const { apiKey } = await this.service();
  assert.ok(!text.includes(apiKey));
  assert.ok(!text.includes(this.env['AUTH_TOKEN'] ?? 'worker-token'));
});

Then(
  'every log line of task {string} has the correlation id {string}',
  async function (this: ServiceWorld, taskId: string, id: string) {
    await this.waitForLog(({ event, job_id }) => event === 'task_completed' && job_id === taskId);
    const lines = (await this.service()).logs().filter(line => line['job_id'] === taskId);
    assert.ok(lines.length >= 3);
    for (const line of lines) assert.equal(line['correlation_id'], id, JSON.stringify(line));
  },
);

Then('the log line {string} has {string}', async function (this: ServiceWorld, event: string, fields: string) {
  const line = await this.waitForLog(({ event: name }) => name === event);
  for (const field of fields.split(', ')) assert.ok(line[field] !== undefined, `${field}: ${JSON.stringify(line)}`);
  assert.match(String(line['human']), /^[A-Z].+\.$/);
});

Then(
  'the log has {int} lines {string} and one line {string}',
  async function (this: ServiceWorld, count: number, many: string, one: string) {
    await this.waitForLog(line => line['event'] === one);
    const counted = [many, one].map(event => this.logged.filter(line => line['event'] === event).length);
    assert.deepEqual(counted, [count, 1]);
  },
);
