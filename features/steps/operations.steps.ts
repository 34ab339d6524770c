import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

type Members = Readonly<Record<string, unknown>>;

interface Output extends Members {
  readonly text: string;
  readonly choices?: readonly { readonly message: Members; readonly logprobs: Members | null }[];
  readonly result?: Members;
}

const messages = [{ role: 'user', content: 'Hello' }];
const parsed = (text: string): Members => JSON.parse(text) as Members;
const outputOf = ({ json }: ServiceWorld): Output => json['output'] as Output;

async function submit(world: ServiceWorld, work: Members, waitS?: number): Promise<void> {
  await world.request('POST', `/v2/tasks${waitS === undefined ? '' : `?wait=${waitS}`}`, work);
}

When(
  /^I submit a chat as task "([^"]+)" with (\{.*\}) and wait$/,
  async function (this: ServiceWorld, taskId: string, more: string) {
    await submit(this, { task_id: taskId, messages, max_tokens: 8, ...parsed(more) }, 30);
  },
);

When(
  /^I submit the work (\{.*\})(?: and wait up to (\d+) seconds?)?$/,
  async function (this: ServiceWorld, work: string, seconds: string | null) {
    await submit(this, parsed(work), seconds === null ? undefined : Number(seconds));
  },
);

/** What it put out, to be compared with what is there later. */
const before = new WeakMap<ServiceWorld, Members>();

function eventsRead({ reading }: ServiceWorld): readonly object[] {
  return (reading?.events ?? []).map(({ id, type, text }) => ({ id, type, text }));
}

async function ended(world: ServiceWorld, work: Members): Promise<void> {
  await submit(world, work, 30);
  const { state, output } = world.json;
  assert.equal(state, 'completed', world.answer.text);
  await world.readTask(String(work['task_id']));
  before.set(world, { output, events: eventsRead(world) });
  world.answers.pop();
}

Given(
  /^a chat with (\{.*\}) has ended as task "([^"]+)"$/,
  async function (this: ServiceWorld, more: string, taskId: string) {
    await ended(this, { task_id: taskId, messages, max_tokens: 8, ...parsed(more) });
  },
);

Given(/^task "([^"]+)" with (\{.*\}) has ended$/, async function (this: ServiceWorld, taskId: string, work: string) {
  await ended(this, { task_id: taskId, ...parsed(work) });
});

Then('the output and the stream of task {string} are what they were', async function (this: ServiceWorld, id: string) {
  const { output } = (await this.look(`/v2/tasks/${id}?output=true`)).json();
  await this.readTask(id);
  assert.deepEqual({ output, events: eventsRead(this) }, before.get(this));
});

Then(
  'task {string} is of the operation {string} and ended as {word}',
  function (this: ServiceWorld, taskId: string, operation: string, state: string) {
    const { task_id: id, workload, state: told } = this.json;
    assert.deepEqual([id, workload, told], [taskId, operation, state], this.answer.text);
  },
);

Then('its output calls the tool {string}', function (this: ServiceWorld, name: string) {
  const [choice] = outputOf(this).choices ?? [];
  const calls = choice?.message['tool_calls'] as readonly { readonly function: Members }[];
  assert.deepEqual(
    calls.map(call => call.function['name']),
    [name],
  );
  assert.equal(typeof calls[0]?.function['arguments'], 'string');
});

async function transcriptOf(world: ServiceWorld, task: Members): Promise<readonly Members[]> {
  const artifact = (await world.look(`/v2/artifacts/${String(task['transcript_artifact_id'])}`)).json();
  return artifact['events'] as readonly Members[];
}

Then(
  'its stream has deltas and ends with {string}, as its transcript does',
  async function (this: ServiceWorld, last: string) {
    const task = this.json;
    await this.readTask(String(task['task_id']));
    const events = (this.reading?.events ?? []).map(({ type, data }) => ({ type, data }));
    assert.ok(events.some(({ type }) => type === 'delta'));
    assert.equal(events.at(-1)?.type, last);
    assert.deepEqual(await transcriptOf(this, task), events);
  },
);

Then(
  'its output has {int} choices of {int} tokens with logprobs',
  function (this: ServiceWorld, count: number, tokens: number) {
    const { choices = [] } = outputOf(this);
    assert.equal(choices.length, count);
    for (const { logprobs } of choices) assert.equal((logprobs?.['content'] as unknown[]).length, tokens);
  },
);

Then('its usage is {int} tokens', function (this: ServiceWorld, tokens: number) {
  assert.equal((this.json['usage'] as Members)['tokens_out'], tokens);
});

Then(
  'the result of task {string} has {int} embeddings, in its output, its stream and its transcript',
  async function (this: ServiceWorld, taskId: string, count: number) {
    const task = (await this.look(`/v2/tasks/${taskId}?output=true`)).json();
    await this.readTask(taskId);
    const { result } = task['output'] as Output;
    assert.equal((result?.['data'] as unknown[]).length, count);
    assert.deepEqual(this.events('result')[0]?.data, result);
    assert.deepEqual((await transcriptOf(this, task)).find(({ type }) => type === 'result')?.['data'], result);
    assert.deepEqual(task['output'], before.get(this)?.['output']);
  },
);

Then('its result ranks {int} documents', function (this: ServiceWorld, count: number) {
  assert.equal((outputOf(this).result?.['results'] as unknown[]).length, count);
});

Then('the engine was given the grammar and the bias, under its own names', function (this: ServiceWorld) {
  const body = this.theEngine.stats().requests.at(-1)?.body as Members;
  assert.deepEqual([body['grammar'], body['logit_bias']], ['root ::= [a-z]+', [[15043, false]]]);
});

Then(
  'the task failed with {word}, and the message mentions {string}',
  function (this: ServiceWorld, code: string, mentioned: string) {
    const { state, error } = this.json as { readonly state: string; readonly error: Members };
    assert.deepEqual([state, error['code']], ['failed', code]);
    assert.ok(String(error['message']).includes(mentioned), String(error['message']));
  },
);
