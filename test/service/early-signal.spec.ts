import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Child } from '../support/child';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';
import { LAST_RESORT_MS } from '../support/deadline';

/* A signal that comes before the service is ready. The process sends it to itself, at a step that is named. */

const MAIN = resolve(__dirname, '../../dist/main.js');

/** Sends SIGTERM at a step, and says each step when it is first reached. */
const PRELOAD = `
  const { Server } = require('node:net');
  const vm = require('node:vm');
  const threads = require('node:worker_threads');
  const seen = new Set();
  const reached = step => {
    if (seen.has(step)) return;
    seen.add(step);
    console.log('step ' + step);
    if (step === process.env.STEP) process.kill(process.pid, 'SIGTERM');
  };
  vm.Script = class extends vm.Script {
    constructor(...args) { reached('program'); super(...args); }
  };
  const { setImmediate } = globalThis;
  let pieces = 0;
  globalThis.setImmediate = function (...args) {
    if (pieces < 8) reached('piece ' + ++pieces);
    return setImmediate(...args);
  };
  threads.Worker = class extends threads.Worker {
    constructor(...args) { super(...args); reached('thread'); }
  };
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...args) { reached('listen'); return listen.apply(this, args); };`;

/** Of what is loaded the pieces are counted: after each, the program waits for a turn of the event loop. */
const STEPS = ['program', 'piece 1', 'piece 5', 'thread', 'listen'];

/** Where it may make a process the first one of a namespace, as a container does. */
const AS_FIRST = ['unshare', '--pid', '--fork', '--kill-child'];
const canBeFirst = spawnSync('unshare', [...AS_FIRST.slice(1), 'true']).status === 0;

let folder: TemporaryFolder;
let child: Child | undefined;
beforeEach(() => void (folder = temporaryFolder()));
afterEach(async () => {
  await child?.stop('SIGKILL');
  child = undefined;
  folder.remove();
});

function start(step: string, through: readonly string[] = []): Child {
  const preload = join(folder.path, 'preload.cjs');
  writeFileSync(preload, PRELOAD);
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder.path,
    STEP: step,
    ORCHD_ADDR: '127.0.0.1:0',
    ORCHD_DATA_DIR: join(folder.path, 'data'),
    ORCHD_RUNTIME_DIR: join(folder.path, 'engines'),
  };
  return (child = new Child({ through, args: ['-r', preload, MAIN], env, cwd: folder.path }));
}

const stepsOf = ({ lines }: Child) =>
  lines.filter(line => line.startsWith('step ')).map(line => line.slice('step '.length));

describe('a signal before the service is ready', () => {
  it.each(STEPS)('ends it in order at the step "%s" (B-CFG-024)', async step => {
    const stopped = start(step);
    expect(await stopped.exited).toEqual({ code: 0, signal: null });
    expect(stopped.errors).toEqual([]);
    expect(stepsOf(stopped)).toContain(step);
    expect(stopped.lines.join('\n')).not.toMatch(/start_failed|stop_failed/);
    // What was there by then can be started on again.
    const next = start('none');
    await next.line(line => line.includes('"listening"'), LAST_RESORT_MS, 'starting again');
    expect(await next.stop()).toEqual({ code: 0, signal: null });
  });

  it('is not kept waiting until everything is loaded', async () => {
    const stopped = start('piece 1');
    await stopped.exited;
    expect(stepsOf(stopped)).toEqual(['program', 'piece 1']);
  });

  it.runIf(canBeFirst)('is not lost by the first process of a container (B-CFG-024)', async () => {
    const stopped = start('program', AS_FIRST);
    expect(await stopped.exited).toEqual({ code: 0, signal: null });
    expect(stepsOf(stopped)).toEqual(['program', 'piece 1']);
  });
});
