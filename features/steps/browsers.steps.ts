import { strict as assert } from 'node:assert';
import { Then } from '@cucumber/cucumber';
import type { ServiceWorld } from '../support/world';

Then('the header {word} names {string}', function (this: ServiceWorld, name: string, members: string) {
  const has = String(this.answer.headers[name.toLowerCase()]).split(', ');
  for (const member of members.split(', ')) assert.ok(has.includes(member), `${member} in ${has.join(', ')}`);
});

Then('the answer has no header {word}', function (this: ServiceWorld, name: string) {
  assert.equal(this.answer.headers[name.toLowerCase()], undefined);
});

Then('the answer has status {int}', function (this: ServiceWorld, status: number) {
  assert.equal(this.answer.status, status);
});
