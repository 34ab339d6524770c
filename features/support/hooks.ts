import { strict as assert } from 'node:assert';
import { After, Before, setDefaultTimeout, Status } from '@cucumber/cucumber';
import type { ServiceWorld } from './world';

setDefaultTimeout(60_000);

Before(function (this: ServiceWorld) {
  this.begin();
});

/** A scenario fails on any error that the service logged and no step expected, and on a service that died by itself. */
After(async function (this: ServiceWorld, { result }) {
  const service = this.started;
  const died = service !== undefined && service.exitCode !== undefined;
  const errors = this.logged.filter(
    line => ['error', 'fatal'].includes(String(line['level'])) && !this.expectedErrors.has(String(line['event'])),
  );
  const output = this.logged.slice(-40).map(line => JSON.stringify(line));
  await this.close();
  if (result?.status === Status.FAILED && output.length > 0) this.attach(output.join('\n'), 'text/plain');
  assert.deepEqual(errors, [], 'the service logged errors');
  assert.equal(died, false, 'the service ended by itself');
});
