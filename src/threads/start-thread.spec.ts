import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder';

const root = resolve(__dirname, '../..');
const folder = temporaryFolder();
afterAll(() => folder.remove());

const LIMIT = "require('node:v8').getHeapStatistics().heap_size_limit";

/** How large the heaps of a process and of a thread that it starts may get, in bytes. */
async function heapLimits(...flags: readonly string[]): Promise<{ readonly own: number; readonly thread: number }> {
  writeFileSync(join(folder.path, 'limit.ts'), `require('node:worker_threads').parentPort.postMessage(${LIMIT});`);
  const program = `
    const { startThread } = require('./src/threads/start-thread.ts');
    const options = { resourceLimits: { maxYoungGenerationSizeMb: 4 } };
    startThread(${JSON.stringify(folder.path)}, 'limit', options)
      .once('message', thread => console.log(JSON.stringify({ own: ${LIMIT}, thread })));`;
  const args = [...flags, '-r', './tools/sources.cjs', '-e', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  return JSON.parse(stdout) as { own: number; thread: number };
}

it('keeps to the limits of a thread, whatever the process was given for its own young generation', async () => {
  const [plain, larger] = await Promise.all([heapLimits(), heapLimits('--max-semi-space-size=64')]);
  expect(larger.own).toBeGreaterThan(plain.own);
  expect(larger.thread).toBe(plain.thread);
});
