import assert from 'node:assert/strict';

/** What main.ts has started, as it tells it. */
export const { BASE_URL: baseURL, API_KEY: apiKey } = process.env;
/** Without `/v1`. */
export const root = baseURL.replace(/\/v1$/, '');
/** Each speaks the API of another engine. */
export const wires = process.env.WIRES.split(',');
export const png =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** What the functions of all clients take. */
export const citySchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

/** One line for each case: `ok NAME`, or `not ok NAME: why`. */
export async function testCase(name, run) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    console.log(`not ok ${name}: ${why.split('\n').slice(0, 6).join(' | ')}`);
  }
}

/** The same for each engine's API. */
export async function onEach(name, run, on = wires) {
  for (const wire of on) await testCase(`${name} (${wire})`, () => run(wire));
}

export async function all(items) {
  const read = [];
  for await (const item of items) read.push(item);
  return read;
}

/** Reads it again until it is as wanted. */
export async function until(read, isWanted) {
  for (;;) {
    const value = await read();
    if (isWanted(value)) return value;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** No task is left at work: the engine's request ended with its client. */
export async function nobodyWorks() {
  const headers = { Authorization: `Bearer ${apiKey}` };
  for (let n = 0; n < 200; n++) {
    const lists = await Promise.all(
      ['queued', 'dispatching', 'streaming'].map(async state =>
        (await fetch(`${root}/v2/tasks?state=${state}`, { headers })).json(),
      ),
    );
    if (lists.every(({ items }) => items.length === 0)) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  assert.fail('tasks are left at work');
}

/** The service is stopped and started anew, on the same data. */
export async function restartService() {
  const { status } = await fetch(`${root}/stage/restart`, { method: 'POST' });
  assert.equal(status, 204);
}

/** The same numbers, whatever they came in. */
export async function assertVectors(numbers, others) {
  assert.equal(numbers.length, others.length);
  for (const [at, vector] of numbers.entries()) {
    assert.equal(vector.length, others[at].length);
    for (const [n, value] of vector.entries()) assert.ok(Math.abs(value - others[at][n]) < 1e-5);
  }
}

export { assert };
