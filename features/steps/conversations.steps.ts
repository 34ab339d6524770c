import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

type Members = Readonly<Record<string, unknown>>;

interface Said {
  readonly id: string;
  readonly role: string;
  readonly content: readonly { readonly text: string }[];
}

const pathOf = (world: ServiceWorld): string => `/v1/conversations/${String(world.names.get('conversation'))}`;
const says = (content: string): object => ({ type: 'message', role: 'user', content });

async function saidIn(world: ServiceWorld): Promise<readonly Said[]> {
  return (await world.look(`${pathOf(world)}/items?order=asc`)).json<{ readonly data: readonly Said[] }>().data;
}

Given('I have made a conversation with {string}', async function (this: ServiceWorld, text: string) {
  await this.request('POST', '/v1/conversations', { items: [says(text)], metadata: { topic: 'weather' } });
  assert.equal(this.answer.status, 200, this.answer.text);
  this.names.set('conversation', String(this.json['id']));
});

When('I put {string} into the conversation', async function (this: ServiceWorld, text: string) {
  await this.request('POST', `${pathOf(this)}/items`, { items: [says(text)] });
});

When('I take its first item out', async function (this: ServiceWorld) {
  const [first] = await saidIn(this);
  await this.request('DELETE', `${pathOf(this)}/items/${first?.id}`);
});

When('I delete the conversation', async function (this: ServiceWorld) {
  await this.request('DELETE', pathOf(this));
});

When(
  /^I ask for a response to "([^"]*)" in the conversation(?: with (\{.*\}))?$/,
  async function (this: ServiceWorld, input: string, more: string | null) {
    await this.request('POST', '/v1/responses', {
      ...{ model: 'some-model', input, max_output_tokens: 4, conversation: this.names.get('conversation') },
      ...(JSON.parse(more ?? '{}') as Members),
    });
    if (this.answer.status === 200) this.names.set('response', String(this.json['id']));
  },
);

Then(/^the conversation holds ((?:"[^"]*"(?:, )?)+)$/, async function (this: ServiceWorld, texts: string) {
  const said = (await saidIn(this)).map(({ content }) => content[0]?.text);
  assert.deepEqual(said, JSON.parse(`[${texts}]`));
});

Then(
  /^the conversation holds what was said by ((?:"[^"]*"(?:, )?)+)$/,
  async function (this: ServiceWorld, roles: string) {
    assert.deepEqual(
      (await saidIn(this)).map(({ role }) => role),
      JSON.parse(`[${roles}]`),
    );
  },
);

Then('the conversation is gone', async function (this: ServiceWorld) {
  assert.equal((await this.look(pathOf(this))).status, 404);
});
