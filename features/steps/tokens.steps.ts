import { strict as assert } from 'node:assert';
import { Given, Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

interface Tokens {
  readonly count: number;
  readonly tokens: readonly number[];
  readonly token_strs: readonly string[] | null;
}

Given(
  /^a (vllm|llamacpp|ollama) engine with the model "([^"]+)" is bound$/,
  async function (this: ServiceWorld, wire: 'vllm' | 'llamacpp' | 'ollama', model: string) {
    await this.bound(await this.engine({ wire, model }), 'gpu', 'r0', { engine: wire, slots_total: 4 });
  },
);

When(/^I send POST to (\S+) with (\{.*\})$/, async function (this: ServiceWorld, path: string, body: string) {
  await this.request('POST', path, JSON.parse(body));
});

When('I send those tokens to {word}', async function (this: ServiceWorld, path: string) {
  const { tokens } = this.json as unknown as Tokens;
  await this.request('POST', path, { model: 'words', tokens });
});

Then('the tokens are counted, each with its text', function (this: ServiceWorld) {
  const { count, tokens, token_strs: texts } = this.json as unknown as Tokens;
  assert.ok(count > 2);
  assert.deepEqual([tokens.length, texts?.length], [count, count]);
});

Then('they are more tokens than the message alone has', async function (this: ServiceWorld) {
  const { count } = this.json as unknown as Tokens;
  await this.request('POST', '/v1/tokenize', { model: 'words', prompt: 'Hello', add_special_tokens: false });
  assert.ok(count > (this.json as unknown as Tokens).count);
});

Then('the text is {string}', function (this: ServiceWorld, text: string) {
  assert.equal(this.json['prompt'], text);
});

Then('the error message names {string}', function (this: ServiceWorld, name: string) {
  const { error } = this.json as { readonly error: { readonly message: string } };
  assert.ok(error.message.includes(name), error.message);
});
