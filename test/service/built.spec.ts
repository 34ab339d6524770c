import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../support/child';
import { LAST_RESORT_MS } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { startFlags } from '../support/start-command';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

const root = resolve(__dirname, '../..');

/** Says whether the code of the build was taken, and at its end which files of packages were loaded, in this thread or another. */
const PRELOAD = `
  const vm = require('node:vm');
  vm.Script = class extends vm.Script {
    constructor(...args) {
      super(...args);
      console.log(this.cachedDataRejected === false ? 'code taken' : 'code not taken');
    }
  };
  const { appendFileSync } = require('node:fs');
  const { sep } = require('node:path');
  process.on('exit', () => {
    const files = Object.keys(require.cache).filter(name => name.includes(sep + 'node_modules' + sep));
    appendFileSync(process.env.LOADED, files.map(name => name + '\\n').join(''));
  });`;

let folder: TemporaryFolder;
let service: RunningService;
beforeAll(async () => {
  folder = temporaryFolder();
  const preload = join(folder.path, 'preload.cjs');
  writeFileSync(preload, PRELOAD);
  service = await startService({ nodeArgs: ['-r', preload], env: { LOADED: join(folder.path, 'loaded') } });
});
afterAll(async () => {
  await service.stop();
  folder.remove();
});

/** Copying gives files new times, in any order; packages are linked. */
function copyOfBuild(): string {
  const to = mkdtempSync(join(folder.path, 'moved-'));
  const dist = join(to, 'dist');
  cpSync(resolve(root, 'dist'), dist, { recursive: true });
  const { mtimeMs } = statSync(join(dist, 'program.js'));
  utimesSync(join(dist, 'program.js.cache'), new Date(), new Date(mtimeMs - 1000));
  symlinkSync(resolve(root, 'node_modules'), join(to, 'node_modules'));
  return dist;
}

describe('what is built', () => {
  it('tells of itself what its sources tell', async () => {
    const { text } = await service.request('GET', '/openapi.json');
    expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(resolve(root, 'docs/openapi.json'), 'utf8')));
  });

  it('shows the page of the document, put together when it is asked for', async () => {
    const found = async (path: string) => {
      const { status, headers, text } = await service.request('GET', path);
      return [status, headers['content-type'], text.length > 600];
    };
    expect(await found('/docs')).toEqual([200, 'text/html', true]);
    expect(await found('/docs/')).toEqual([200, 'text/html', true]);
    expect(await found('/docs/swagger-ui-init.js')).toEqual([200, 'application/javascript', true]);
    expect(await found('/docs/swagger-ui.css')).toEqual([200, 'text/css; charset=utf-8', true]);
    expect(await found('/docs/swagger-ui-bundle.js')).toEqual([200, 'application/javascript; charset=utf-8', true]);
    expect(await found('/docs-yaml')).toEqual([200, 'text/yaml', true]);
    expect(await found('/docs/LICENSE')).toEqual([404, 'application/json; charset=utf-8', false]);
    expect(await found('/docs/no-such-file')).toEqual([404, 'application/json; charset=utf-8', false]);
    expect(await found('/docs/../package.json')).toEqual([400, 'application/json; charset=utf-8', false]);
  });

  it('has a file for the program, one for what it loads, and one for each thread', () => {
    const threads = readdirSync(resolve(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.worker.ts'))
      .map(name => name.replace(/^.*[/\\]|\.ts$/g, '') + '.js');
    expect(threads.length).toBeGreaterThan(3);
    const built = readdirSync(resolve(root, 'dist')).filter(name => name.endsWith('.js'));
    expect(built.sort()).toEqual(['main.js', 'program.js', ...threads].sort());
    expect(built.filter(name => !existsSync(resolve(root, 'dist', `${name}.map`)))).toEqual([]);
  });

  it('is compiled already', () => {
    expect(service.logs()[0]).toEqual({ human: 'code taken' });
  });

  it('is compiled already for a start with the flags of `npm start`', async () => {
    const args = [...startFlags(), '-r', join(folder.path, 'preload.cjs'), resolve(root, 'dist/main.js'), '--version'];
    const started = new Child({ args, env: { LOADED: join(folder.path, 'flagged') } });
    expect(await started.exited).toEqual({ code: 0, signal: null });
    expect(started.lines[0]).toBe('code taken');
  });

  it('is compiled as it stands for a debugger, which finds its map by its folder', async () => {
    const preload = join(folder.path, 'preload.cjs');
    const args = ['--inspect=127.0.0.1:0', '-r', preload, resolve(root, 'dist/main.js'), '--version'];
    const debugged = new Child({ args, env: { LOADED: join(folder.path, 'debugged') } });
    expect(await debugged.exited).toEqual({ code: 0, signal: null });
    expect(debugged.lines[0]).toBe('code not taken');
  });

  it.each([
    ['where it was built', () => resolve(root, 'dist')],
    ['in another folder', copyOfBuild],
  ])('tells in the log where in the sources a fault came from, %s', async (_where, find) => {
    const dist = find();
    const env = { ORCHD_DATA_DIR: service.dataDir, ORCHD_ADDR: '127.0.0.1:0', LOADED: join(folder.path, 'elsewhere') };
    const second = new Child({ args: ['-r', join(folder.path, 'preload.cjs'), join(dist, 'main.js')], env });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.lines[0]).toBe('code taken');
    const { event, cause } = JSON.parse(second.lines.at(-1) ?? '') as { event: string; cause: { stack: string } };
    expect(event).toBe('start_failed');
    const places = cause.stack.match(/\S+\.[jt]s:\d+/g)?.map(place => place.replace('(', '')) ?? [];
    expect(places.filter(place => place.endsWith('.js') || place.includes('dist'))).toEqual([]);
    const [file = '', line = ''] = (places.find(place => place.includes('/src/')) ?? '').split(':');
    const name = 'src/storage/sqlite/journal-thread.ts';
    expect(file).toBe(resolve(dist, '..', name));
    expect(readFileSync(resolve(root, name), 'utf8').split('\n')[Number(line) - 1]).toContain('new JournalError(');
  });

  it('is compiled anew where it was changed since', () => {
    const dist = join(folder.path, 'changed');
    cpSync(resolve(root, 'dist'), dist, { recursive: true });
    const program = join(dist, 'program.js');
    writeFileSync(program, readFileSync(program, 'utf8').replaceAll('orchestratord', 'orchestraTord'));
    const later = new Date(Date.now() + 120_000);
    utimesSync(program, later, later);
    const args = ['-r', join(folder.path, 'preload.cjs'), join(dist, 'main.js'), '--version'];
    const shown = execFileSync(process.execPath, args, {
      encoding: 'utf8',
      env: { LOADED: join(folder.path, 'other') },
    });
    expect(shown).toMatch(/^code not taken\norchestraTord /);
  });

  it('does without the compiled code where that was damaged', async () => {
    const dist = copyOfBuild();
    const cache = join(dist, 'program.js.cache');
    const bytes = readFileSync(cache);
    bytes.fill('x', bytes.length / 2, bytes.length / 2 + 8);
    writeFileSync(cache, bytes);
    const env = { ORCHD_DATA_DIR: join(folder.path, 'another'), ORCHD_ADDR: '127.0.0.1:0', LOADED: '/dev/null' };
    const started = new Child({ args: ['-r', join(folder.path, 'preload.cjs'), join(dist, 'main.js')], env });
    await started.line(line => line.includes('"listening"'), LAST_RESORT_MS, 'starting');
    expect(await started.stop()).toEqual({ code: 0, signal: null });
    expect(started.lines[0]).toBe('code not taken');
  });

  it('names no folder of the machine that it was built on', () => {
    const naming = readdirSync(resolve(root, 'dist')).filter(name =>
      readFileSync(resolve(root, 'dist', name)).includes(root),
    );
    expect(naming).toEqual([]);
  });

  it('loads nothing from packages but the driver of SQLite, and where the files of the page are', async () => {
    await service.stop();
    const loaded = readFileSync(join(folder.path, 'loaded'), 'utf8').trim().split('\n');
    const packages = loaded.map(name => /.*[/\\]node_modules[/\\]([^/\\]+)/.exec(name)?.[1]);
    const left = ['better-sqlite3', 'better-sqlite3-13', 'bindings', 'file-uri-to-path', 'swagger-ui-dist'];
    expect(packages).toContain('bindings');
    expect(packages.filter(name => !left.includes(name ?? ''))).toEqual([]);
  });
});
