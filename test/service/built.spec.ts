import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startService, type RunningService } from '../support/service';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

const root = resolve(__dirname, '../..');

/** Says at its end which files of packages were loaded, in this thread or another. */
const PRELOAD = `
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

describe('what is built', () => {
  it('tells of itself what its sources tell', async () => {
    const { text } = await service.request('GET', '/openapi.json');
    expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(resolve(root, 'docs/openapi.json'), 'utf8')));
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

  it('loads nothing from packages at its start but the driver of SQLite and where the page at /docs is', async () => {
    await service.stop();
    const loaded = readFileSync(join(folder.path, 'loaded'), 'utf8').trim().split('\n');
    const packages = loaded.map(name => /.*[/\\]node_modules[/\\]([^/\\]+)/.exec(name)?.[1]);
    const left = ['better-sqlite3', 'better-sqlite3-13', 'bindings', 'file-uri-to-path', 'swagger-ui-dist'];
    expect(packages).toContain('bindings');
    expect(packages.filter(name => !left.includes(name ?? ''))).toEqual([]);
  });
});
