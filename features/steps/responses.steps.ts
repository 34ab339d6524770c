import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import { eventually } from '../../test/support/deadline';
import type { ServiceWorld } from '../support/world';

type Members = Readonly<Record<string, unknown>>;

const MODEL = 'some-model';

async function ask(world: ServiceWorld, input: string, more: string | null): Promise<void> {
  await world.request('POST', '/v1/responses', {
    ...{ model: MODEL, input, max_output_tokens: 4 },
    ...(JSON.parse(more ?? '{}') as Members),
  });
  if (world.answer.status === 200 && world.answer.text.startsWith('{'))
    world.names.set('response', String(world.json['id']));
}

const pathOf = (world: ServiceWorld): string => `/v1/responses/${String(world.names.get('response'))}`;

When(
  /^I ask for a response to "([^"]*)"(?: with (\{.*\}))?$/,
  async function (this: ServiceWorld, input: string, more: string | null) {
    await ask(this, input, more);
  },
);

Given(
  /^I have asked for a response to "([^"]*)"(?: with (\{.*\}))?$/,
  async function (this: ServiceWorld, input: string, more: string | null) {
    await ask(this, input, more);
    assert.equal(this.answer.status, 200, this.answer.text);
  },
);

When('I go on from it with {string}', async function (this: ServiceWorld, input: string) {
  await ask(this, input, JSON.stringify({ previous_response_id: this.names.get('response') }));
  assert.equal(this.answer.status, 200, this.answer.text);
});

Then('the response is {string} with a text, and its usage', function (this: ServiceWorld, status: string) {
  const { object, output, usage, incomplete_details: why } = this.json;
  assert.deepEqual([object, this.json['status'], why], ['response', status, { reason: 'max_output_tokens' }]);
  const [item] = output as readonly { type: string; content: readonly { text: string }[] }[];
  assert.equal(item?.type, 'message');
  assert.notEqual(item.content[0]?.text, '');
  assert.equal((usage as Members)['output_tokens'], 4);
});

Then('looked up again it is the same', async function (this: ServiceWorld) {
  assert.deepEqual((await this.look(pathOf(this))).json(), this.json);
});

interface Numbered extends Members {
  readonly type: string;
  readonly sequence_number: number;
  readonly response?: { readonly id: string };
}

function eventsOf(text: string): readonly Numbered[] {
  const frames = text.split('\n\n').filter(frame => !frame.startsWith(':'));
  assert.equal(frames.pop(), '');
  return frames.map(frame => {
    const [, name, data] = /^event: ([\w.]+)\ndata: (.*)$/.exec(frame) ?? [];
    const event = JSON.parse(data ?? '') as Numbered;
    assert.equal(event.type, name);
    return event;
  });
}

Then(/^its numbered events are (.*)$/, function (this: ServiceWorld, names: string) {
  const events = eventsOf(this.answer.text);
  assert.deepEqual(
    events.map(({ sequence_number: number }) => number),
    events.map((_, at) => at),
  );
  const kinds = events.map(({ type }) => type);
  assert.deepEqual(
    kinds.filter((kind, at) => kind !== kinds[at - 1]),
    names.split(', '),
  );
});

Then(
  'the engine has had {string} and {string}, and not {string}',
  function (this: ServiceWorld, first: string, second: string, never: string) {
    const sent = JSON.stringify(this.theEngine.stats().requests.at(-1)?.body);
    assert.deepEqual(
      [first, second, never].map(text => sent.includes(text)),
      [true, true, false],
      sent,
    );
  },
);

Then('its input items are {string} and what was said before', async function (this: ServiceWorld, text: string) {
  interface Page {
    readonly data: readonly { role: string; id: string; content: readonly { text: string }[] }[];
    readonly has_more: boolean;
  }
  const { data, has_more: goesOn } = (await this.look(`${pathOf(this)}/input_items`)).json<Page>();
  assert.deepEqual([data.map(({ role }) => role), goesOn], [['user', 'assistant', 'user'], false]);
  assert.equal(data[0]?.content[0]?.text, text);
  assert.ok(data.every(({ id }) => id !== ''));
});

Then('the response is {string}', function (this: ServiceWorld, status: string) {
  assert.equal(this.json['status'], status, this.answer.text);
});

Then(
  'it can be followed from its start, and after any event as if it had not been left',
  async function (this: ServiceWorld) {
    const read = async (after: string): Promise<readonly Numbered[]> =>
      eventsOf((await this.look(`${pathOf(this)}?stream=true${after}`)).text);
    const whole = await read('');
    assert.deepEqual([whole[0]?.type, whole.at(-1)?.type], ['response.created', 'response.incomplete']);
    for (const { sequence_number: number } of whole)
      assert.deepEqual(await read(`&starting_after=${number}`), whole.slice(number + 1));
  },
);

When('the engine is bound again', async function (this: ServiceWorld) {
  await this.request('POST', '/v2/tasks/t-1/cancel');
  await this.until('/v2/pools/gpu/health', ({ ready }) => ready === true);
});

Then('the response ends as {string}', async function (this: ServiceWorld, status: string) {
  await this.until(pathOf(this), response => response['status'] === status);
});

Given('some of it was shown', async function (this: ServiceWorld) {
  await this.until(pathOf(this), ({ status }) => status === 'in_progress');
  const taskId = String(this.names.get('response')).slice('resp_'.length);
  await this.until(
    `/v2/tasks/${taskId}?output=true`,
    task => ((task['output'] as { readonly text?: string } | undefined)?.text ?? '').length > 20,
  );
});

Then('it has the output that there was', async function (this: ServiceWorld) {
  const { output, error } = (await this.look(pathOf(this))).json();
  const [item] = output as readonly { status: string; content: readonly { text: string }[] }[];
  assert.equal(item?.status, 'incomplete');
  assert.notEqual(item.content[0]?.text, '');
  assert.equal((error as Members)['code'], 'server_error');
});

When('I cancel the response twice', async function (this: ServiceWorld) {
  await this.theEngine.until(({ active }) => active === 1);
  for (let n = 0; n < 2; n++) await this.request('POST', `${pathOf(this)}/cancel`);
});

When('I delete the response', async function (this: ServiceWorld) {
  await this.request('DELETE', pathOf(this));
});

Then('the response is gone, and so is the output of its task', async function (this: ServiceWorld) {
  const taskId = String(this.names.get('response')).slice('resp_'.length);
  assert.equal((await this.look(pathOf(this))).status, 404);
  await eventually(
    async () => (await this.look(`/v2/tasks/${taskId}/events`)).status,
    status => status === 410,
  );
});

Then('the response is forgotten', async function (this: ServiceWorld) {
  await eventually(
    async () => (await this.look(pathOf(this))).status,
    status => status === 404,
  );
});
