import { strict as assert } from 'node:assert';
import { After, setDefaultTimeout, Status } from '@cucumber/cucumber';
import type { ServiceWorld } from './world';

setDefaultTimeout(30_000);

/** A scenario fails on any error that the service logged and no step expected, and on a service that died by itself. */
After(async function (this: ServiceWorld, { result }) {
  const service = this.started;
  const errors = (service?.logs() ?? []).filter(
    line => line['level'] === 'error' && !this.expectedErrors.has(String(line['event'])),
  );
  const died = service !== undefined && service.exitCode !== undefined;
  const output = service?.logs().map(line => JSON.stringify(line));
  await this.close();
  if (result?.status === Status.FAILED && output) this.attach(output.slice(-40).join('\n'), 'text/plain');
  assert.deepEqual(errors, [], 'the service logged errors');
  assert.equal(died, false, 'the service ended by itself');
});
