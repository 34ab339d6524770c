import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Child } from '../../../../test/support/child';
import { startService } from '../../../../test/support/service';
import { temporaryFolder } from '../../../../test/support/temporary-folder';
import { driverFor } from './driver';

let child: Child | undefined;
afterEach(async () => {
  await child?.stop('SIGKILL');
  child = undefined;
});

it('is the compiled one up to Node-API 9, which Node 20 has, and from 10 on the one that ships its binary', () => {
  expect([8, 9, 10, 11].map(driverFor)).toEqual([
    'better-sqlite3',
    'better-sqlite3',
    'better-sqlite3-13',
    'better-sqlite3-13',
  ]);
});

const THREADS = 12;
/** So many that some are left to be collected when no script of the thread runs: there version 12 aborts under Node 24. */
const STATEMENTS = 20_000;
const DRIVER = resolve(__dirname, 'driver.ts');
const LOADER = resolve(__dirname, '../../../../tools/sources.cjs');

/** Every other thread closes what it opened, and one leaves it to its end. */
const PROGRAM = `
  require(${JSON.stringify(LOADER)});
  const { Worker, isMainThread, workerData } = require('node:worker_threads');
  if (!isMainThread) {
    const db = require(${JSON.stringify(DRIVER)}).openDatabase(':memory:');
    for (let n = 0; n < ${STATEMENTS}; n++) db.prepare('SELECT ' + n).get();
    globalThis.held = db.prepare('SELECT 1');
    if (workerData.closes) db.close();
  } else {
    const run = n => new Promise((ended, failed) =>
      new Worker(__filename, { workerData: { closes: n % 2 === 0 } }).on('error', failed).on('exit', ended));
    (async () => { for (let n = 0; n < ${THREADS}; n++) await run(n); console.log('all ended'); })();
  }`;

it('lets threads end that have used databases and statements', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder();
  try {
    const program = join(folder.path, 'threads.cjs');
    writeFileSync(program, PROGRAM);
    child = new Child({ args: [program], env: {} });
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(child.errors).toEqual([]);
    expect(child.lines).toEqual(['all ended']);
  } finally {
    folder.remove();
  }
});

it('is asked for by name where it is not installed', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder();
  try {
    const preload = join(folder.path, 'without.cjs');
    writeFileSync(
      preload,
      `const Module = require('node:module');
       const { _load: load } = Module;
       Module._load = function (request, ...rest) {
         if (request.startsWith('better-sqlite3')) throw new Error('there is none');
         return load.call(this, request, ...rest);
       };`,
    );
    const starting = startService({ nodeArgs: ['-r', preload] });
    await expect(starting).rejects.toThrow(/The service cannot start: better-sqlite3.*which Node .* needs.*npm ci/);
  } finally {
    folder.remove();
  }
});
