import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withDeadline, LAST_RESORT_MS } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { TaskClient } from '../support/task-client';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/* Faults that nobody caught: the process says so and ends, and what it had accepted is there at the next start. */

let folder: TemporaryFolder;
let service: RunningService;

const start = async (fault = ''): Promise<void> => {
  const preload = join(folder.path, 'fault.cjs');
  writeFileSync(preload, fault);
  service = await startService({
    env: { ORCHD_DATA_DIR: join(folder.path, 'data'), ORCHD_FALLBACK: 'wait' },
    nodeArgs: ['-r', preload],
  });
};

beforeEach(() => void (folder = temporaryFolder()));
afterEach(async () => {
  await service.stop('SIGKILL');
  folder.remove();
});

it.each([
  ['an exception', `process.on('SIGUSR2', () => { throw new Error('on purpose'); })`, 'uncaught_exception'],
  ['a rejection', `process.on('SIGUSR2', () => void Promise.reject(new Error('on purpose')))`, 'unhandled_rejection'],
  ['no error at all', `process.on('SIGUSR2', () => void Promise.reject('on purpose'))`, 'unhandled_rejection'],
  [
    'the death of a thread of the journal',
    `const threads = require('node:worker_threads');
     const workers = [];
     threads.Worker = class extends threads.Worker {
       constructor(...args) { super(...args); workers.push(this); }
     };
     process.on('SIGUSR2', () => workers[0].terminate());`,
    'uncaught_exception',
  ],
])('%s ends the process at once, with a last line that says what it was', async (_, fault, event) => {
  await start(fault);
  const tasks = new TaskClient(service);
  await tasks.submit({ task_id: 'kept', deadline_ms: 60_000 });
  service.signal('SIGUSR2');
  expect(await withDeadline(service.exited, LAST_RESORT_MS, () => 'it goes on')).toEqual({ code: 1, signal: null });
  const last = service.logs().at(-1);
  expect(last).toMatchObject({ level: 'fatal', event });
  expect(JSON.stringify(last)).toMatch(/on purpose|The journal stopped working/);
  await service.stop();
  await start();
  expect((await new TaskClient(service).view('kept'))['state']).toBe('queued');
});
