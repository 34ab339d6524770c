import { strict as assert } from 'node:assert';
import { Then, When } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

interface Warning {
  readonly field: string;
  readonly message: string;
}

const warningsOf = ({ json }: ServiceWorld): readonly Warning[] => (json['warnings'] ?? []) as readonly Warning[];

When(
  'I submit a task with {int} unknown fields of {int} characters',
  async function (this: ServiceWorld, count: number, length: number) {
    const names = Array.from({ length: count }, (_, n) => `${n}-`.padEnd(length, 'x'));
    await this.enqueue(Object.fromEntries(names.map(name => [name, 1])));
  },
);

When(/^I register a worker with (\{.*\})$/, async function (this: ServiceWorld, body: string) {
  await this.request('POST', '/v2/workers/register', JSON.parse(body));
});

Then(
  /^I am warned about "([^"]+)"(?:, with "([^"]+)" as what may be meant)?$/,
  function (this: ServiceWorld, field: string, meant: string | null) {
    const warning = warningsOf(this).find(each => each.field === field);
    assert.ok(warning, this.answer.text);
    assert.ok(warning.message.includes(field));
    assert.equal(/Did you mean (\w+)/.exec(warning.message)?.[1] ?? null, meant);
  },
);

Then('I am warned about nothing', function (this: ServiceWorld) {
  assert.equal('warnings' in this.json, false);
});

Then(
  'there are at most {int} warnings, the last of which says how many more',
  function (this: ServiceWorld, most: number) {
    const warnings = warningsOf(this);
    assert.equal(warnings.length, most);
    assert.ok(warnings.every(({ field, message }) => field.length < 100 && message.length < 200));
    assert.match(warnings.at(-1)?.message ?? '', /and 4983 more/);
  },
);
