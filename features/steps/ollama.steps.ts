import { strict as assert } from 'node:assert';
import { Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

interface Line {
  readonly done?: boolean;
  readonly done_reason?: string;
  readonly error?: string;
  readonly eval_count?: number;
  readonly response?: string;
  readonly message?: {
    readonly content: string;
    readonly tool_calls?: readonly { readonly function: { readonly name: string; readonly arguments: unknown } }[];
  };
}

When(/^I ask Ollama's "(\w+)" for (\{.*\})$/, async function (this: ServiceWorld, route: string, body: string) {
  await this.request('POST', `/api/${route}`, { model: 'some-model', ...(JSON.parse(body) as object) });
});

function linesOf({ answer }: ServiceWorld): readonly Line[] {
  const lines = answer.text.split('\n');
  assert.equal(lines.pop(), '');
  return lines.map(line => JSON.parse(line) as Line);
}

Then(
  'its lines say {int} pieces of a {string}, and the last one that it is done for {string}',
  function (this: ServiceWorld, count: number, form: 'message' | 'response', reason: string) {
    const lines = [...linesOf(this)];
    const last = lines.pop();
    assert.deepEqual([last?.done, last?.done_reason, last?.eval_count], [true, reason, count]);
    assert.equal(lines.length, count);
    assert.ok(lines.every(line => line.done === false && line[form] !== undefined));
  },
);

Then(
  'it is one {string}, done for {string}, of {int} tokens',
  function (this: ServiceWorld, form: 'message' | 'response', reason: string, tokens: number) {
    const [line, ...others] = linesOf(this);
    assert.deepEqual([line?.done, line?.done_reason, line?.eval_count, others.length], [true, reason, tokens, 0]);
    assert.notEqual(line?.[form], '');
  },
);

Then('it calls {string}', function (this: ServiceWorld, name: string) {
  const [line] = linesOf(this);
  const [call] = line?.message?.tool_calls ?? [];
  assert.deepEqual([call?.function.name, typeof call?.function.arguments], [name, 'object']);
});

Then('there are {int} embeddings of numbers', function (this: ServiceWorld, count: number) {
  const { embeddings } = this.answer.json<{ embeddings: readonly (readonly unknown[])[] }>();
  assert.equal(embeddings.length, count);
  assert.ok(embeddings.every(each => each.length > 0 && each.every(value => typeof value === 'number')));
});

Then(
  '{string} is among the models of {string}, and there is a version',
  async function (this: ServiceWorld, model: string, route: string) {
    const { models } = (await this.look(route)).json<{ models: readonly { name: string }[] }>();
    assert.ok(models.some(({ name }) => name === model));
    assert.match((await this.look('/api/version')).json<{ version: string }>().version, /^\d+\.\d+\.\d+$/);
  },
);

Then(
  'of the models of {string} only {string} is told by {string}, until it is let go',
  async function (this: ServiceWorld, all: string, loaded: string, route: string) {
    const { models: listed } = (await this.look(all)).json<{ models: readonly { name: string }[] }>();
    assert.ok(listed.length > 1);
    const { models } = (await this.look(route)).json<{ models: readonly { name: string; expires_at: string }[] }>();
    assert.deepEqual(
      models.map(({ name }) => name),
      [loaded],
    );
    assert.ok(models.every(({ expires_at: until }) => Date.parse(until) > Date.now()));
  },
);

Then(
  "the answer is Ollama's error {int}, about {string}",
  function (this: ServiceWorld, status: number, about: string) {
    assert.equal(this.answer.status, status, this.answer.text);
    const { error } = this.answer.json<{ error: string }>();
    assert.ok(error.includes(about), error);
  },
);

Then('its last line is an error', function (this: ServiceWorld) {
  assert.equal(typeof linesOf(this).at(-1)?.error, 'string');
});
