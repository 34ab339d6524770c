import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';
import { LAST_RESORT_MS } from '../../test/support/deadline';

/** Tokens of a task that on a slow engine runs for longer than any scenario needs it. */
const LONG = 2000;
const ENDED = ['completed', 'failed', 'cancelled', 'expired', 'dropped'];

function parsed(text: string | undefined): Record<string, unknown> {
  return text === undefined ? {} : (JSON.parse(text) as Record<string, unknown>);
}

async function endsAs(world: ServiceWorld, taskId: string, state: string): Promise<void> {
  const task = await world.until(`/v2/tasks/${taskId}`, view => ENDED.includes(String(view['state'])), LAST_RESORT_MS);
  assert.equal(task['state'], state, JSON.stringify(task));
}

Given(
  /^task "([^"]+)"(?: with (\{.*\}))? waits$/,
  async function (this: ServiceWorld, taskId: string, more: string | undefined) {
    await this.accepted(taskId, parsed(more));
    assert.equal(await this.state(taskId), 'queued');
  },
);

Given(
  /^task "([^"]+)"(?: with (\{.*\}))? waits or runs$/,
  async function (this: ServiceWorld, taskId: string, more: string | undefined) {
    await this.accepted(taskId, parsed(more));
  },
);

Given('a batch task {string} waits', async function (this: ServiceWorld, taskId: string) {
  await this.accepted(taskId, { priority: 'batch' });
});

Given(
  /^task "([^"]+)"(?: with (\{.*\}))? is running$/,
  async function (this: ServiceWorld, taskId: string, more: string | undefined) {
    await this.accepted(taskId, { max_tokens: LONG, ...parsed(more) });
    await this.until(`/v2/tasks/${taskId}`, task => task['state'] === 'streaming');
  },
);

When(
  /^I submit task "([^"]+)"(?: with (\{.*\}))?$/,
  async function (this: ServiceWorld, taskId: string, more: string | undefined) {
    await this.enqueue({ task_id: taskId, ...parsed(more) });
  },
);

When('I submit {int} tasks', async function (this: ServiceWorld, count: number) {
  for (let n = 0; n < count; n++) await this.accepted(`t-${n}`, { max_tokens: 30 });
});

When(/^I submit (\d+) tasks at once with (\{.*\})$/, async function (this: ServiceWorld, count: string, more: string) {
  await Promise.all(
    Array.from({ length: Number(count) }, (_, n) => this.enqueue({ task_id: `t-${n}`, ...parsed(more) })),
  );
});

When('{int} ms later task {string} waits too', async function (this: ServiceWorld, ms: number, taskId: string) {
  await new Promise(resolve => setTimeout(resolve, ms));
  await this.accepted(taskId);
});

When('nothing happens for {int} ms', async function (this: ServiceWorld, ms: number) {
  await new Promise(resolve => setTimeout(resolve, ms));
});

Then('task {string} ends as {word}', async function (this: ServiceWorld, taskId: string, state: string) {
  await endsAs(this, taskId, state);
  this.names.set('ended', taskId);
});

Then('task {string} is still queued', async function (this: ServiceWorld, taskId: string) {
  assert.equal(await this.state(taskId), 'queued');
});

Then('it ran on {string}', async function (this: ServiceWorld, place: string) {
  const task = (await this.look(`/v2/tasks/${this.names.get('ended') ?? ''}`)).json();
  assert.equal(`${String(task['pool_id'])}/${String(task['replica_id'])}`, place);
});

Then(
  'the stream of task {string} ends with the error {word}',
  async function (this: ServiceWorld, taskId: string, code: string) {
    const { events } = await this.readTask(taskId);
    const last = events.at(-1);
    assert.equal(last?.type, 'error', JSON.stringify(events.map(event => event.type)));
    const data = last.data as Record<string, unknown>;
    assert.equal(data['code'], code, JSON.stringify(data));
    assert.equal(typeof data['retriable'], 'boolean');
    assert.ok(String(data['message']).length > 0);
  },
);

Then('it has the tokens {int} to {int}', function (this: ServiceWorld, first: number, last: number) {
  const indexes = this.events('token').map(event => (event.data as { i: number }).i);
  assert.deepEqual(
    indexes,
    Array.from({ length: last - first + 1 }, (_, n) => first + n),
  );
});

Then('{int} of them run and {int} waits', async function (this: ServiceWorld, running: number, waiting: number) {
  await this.until('/v2/tasks?state=streaming', list => (list['items'] as unknown[]).length === running);
  assert.equal((await this.look('/v2/tasks?state=queued')).json<{ items: unknown[] }>().items.length, waiting);
  assert.equal(this.theEngine.stats().deferred, 0);
});

Then('all of them end as completed', async function (this: ServiceWorld) {
  assert.ok(this.submitted.length > 0, 'no task was accepted');
  for (const taskId of this.submitted) await endsAs(this, taskId, 'completed');
});

Then('each stream has one {string} event', async function (this: ServiceWorld, type: string) {
  assert.ok(this.submitted.length > 0, 'no task was accepted');
  for (const taskId of this.submitted) {
    await this.readTask(taskId);
    assert.equal(this.events(type).length, 1, taskId);
  }
});

Then('one task is queued', async function (this: ServiceWorld) {
  assert.equal((await this.look('/v2/tasks?state=queued')).json<{ items: unknown[] }>().items.length, 1);
});

Then('the order of the queue is {string}', async function (this: ServiceWorld, order: string) {
  // An engine with one slot runs them one after the other; the order of their starts is the order of the queue.
  await this.bound(await this.engine({ slots: 1 }), 'default');
  const ids = order.split(', ');
  const tasks = await Promise.all(ids.map(id => this.until(`/v2/tasks/${id}`, task => task['state'] === 'completed')));
  const starts = tasks.map(task => Number(task['started_ms']));
  assert.deepEqual(
    starts,
    [...starts].sort((a, b) => a - b),
  );
});

Then('task {string} is unknown before long', async function (this: ServiceWorld, taskId: string) {
  await this.until(`/v2/tasks/${taskId}`, answer => answer['code'] === 'TASK_NOT_FOUND');
});

Then(
  '{int} are accepted and {int} are refused with {word}',
  function (this: ServiceWorld, accepted: number, refused: number, code: string) {
    const codes = this.answers.map(answer => (answer.status === 202 ? 'accepted' : String(answer.json()['code'])));
    assert.deepEqual(
      codes.sort(),
      [...Array<string>(refused).fill(code), ...Array<string>(accepted).fill('accepted')].sort(),
    );
  },
);
