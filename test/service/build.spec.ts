import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, symlinkSync, watch, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAST_RESORT_MS } from '../support/deadline';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

const root = resolve(__dirname, '../..');

let project: TemporaryFolder;
beforeAll(() => {
  project = temporaryFolder();
  for (const name of ['src', 'tools', 'dist', '.swcrc', 'package.json', 'package-lock.json', 'tsconfig.json'])
    cpSync(resolve(root, name), join(project.path, name), { recursive: true });
  symlinkSync(resolve(root, 'node_modules'), join(project.path, 'node_modules'));
});
afterAll(() => project.remove());

const inProject = (...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, args, { cwd: project.path, stdio: ['ignore', 'ignore', 'inherit'] });
const build = (): ChildProcess => inProject('tools/build.mjs');
const codeOf = async (child: ChildProcess): Promise<unknown> => (await once(child, 'exit'))[0];
const stamp = (): string => readFileSync(join(project.path, 'dist/.made-of'), 'utf8');
const folders = (): string[] => readdirSync(project.path).filter(name => name.startsWith('dist'));
const change = (text: string): void =>
  writeFileSync(
    join(project.path, 'src/stop-signals.ts'),
    `${readFileSync(resolve(root, 'src/stop-signals.ts'), 'utf8')}// ${text}\n`,
  );

describe('a build', { timeout: 4 * LAST_RESORT_MS }, () => {
  it('makes nothing where all is as it was', async () => {
    const changed: unknown[] = [];
    const watcher = watch(project.path, (_kind, name) => changed.push(name));
    expect(await codeOf(build())).toBe(0);
    watcher.close();
    expect(changed).toEqual([]);
  });

  it('that is killed leaves what was there', async () => {
    const files = (): string[] => readdirSync(join(project.path, 'dist'));
    const before = [stamp(), files()];
    change('killed');
    const watcher = watch(project.path);
    const killed = build();
    await once(watcher, 'change');
    watcher.close();
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect([stamp(), files()]).toEqual(before);
    expect(await codeOf(inProject('dist/main.js', '--version'))).toBe(0);
  });

  it('may run beside another', async () => {
    change('two at once');
    const former = stamp();
    const left = folders();
    expect(await Promise.all([build(), build()].map(codeOf))).toEqual([0, 0]);
    expect(stamp()).not.toBe(former);
    expect(readdirSync(join(project.path, 'dist'))).toEqual(readdirSync(resolve(root, 'dist')));
    expect(folders()).toEqual(left);
    expect(await codeOf(inProject('dist/main.js', '--version'))).toBe(0);
  });
});
