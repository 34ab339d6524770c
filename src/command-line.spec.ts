import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answerTo, moveAsked } from './command-line';
import { settings, type Setting } from './config/settings';

const { version } = JSON.parse(readFileSync(resolve(__dirname, '../package.json'), 'utf8')) as { version: string };

describe('the command line', () => {
  it.each(['--help', '-h'])('answers %s with every setting, its default and what is allowed (B-CFG-023)', arg => {
    const { exitCode, text } = answerTo([arg])!;
    expect(exitCode).toBe(0);
    const words = text.replace(/\s+/g, ' ');
    for (const { env, help, parser, fallback } of Object.values<Setting<unknown>>(settings)) {
      expect(words).toContain(`${env} ${help} Allowed: ${parser.allowed}. Default: ${fallback || 'none'}.`);
    }
    expect(Math.max(...text.split('\n').map(line => line.length))).toBeLessThanOrEqual(140);
  });

  it.each(['--version', '-V'])('answers %s with name and version', arg => {
    expect(answerTo([arg])).toEqual({ exitCode: 0, text: `orchestratord ${version}\n` });
  });

  it('starts where it says nothing', () => {
    expect(answerTo([])).toBeUndefined();
  });

  it.each([
    [['--port', '80'], '"--port"'],
    [['--help', '--hlep'], '"--hlep"'],
    [['start'], '"start"'],
    [['\u001b[2J\n'], '"\\u001b[2J\\n"'],
    [['x'.repeat(5000)], `"${'x'.repeat(100)}…"`],
  ])('refuses %j by name, and says what is allowed', (args, named) => {
    const { exitCode, text } = answerTo(args)!;
    expect(exitCode).toBe(2);
    expect(text).toMatch(/^Unknown argument .*: allowed are --help and --version\..*\n$/);
    expect(text).toContain(named);
  });

  it('is read by the program before anything is opened', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [resolve(__dirname, '../dist/main.js'), ...args], {
        // A start would fail on this one.
        env: { ORCHD_ADDR: 'nowhere' },
        encoding: 'utf8',
      });
    expect(run('--version')).toMatchObject({ status: 0, stdout: `orchestratord ${version}\n`, stderr: '' });
    expect(run('--help')).toMatchObject({ status: 0, stderr: '' });
    expect(run('--verison')).toMatchObject({ status: 2, stdout: '' });
  });

  it('says nothing more where its answer cannot be written', () => {
    const full = openSync('/dev/full', 'w');
    const answer = spawnSync(process.execPath, [resolve(__dirname, '../dist/main.js'), '--help'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(answer).toMatchObject({ status: 1, stderr: '' });
  });
});

describe('the command line of a move', () => {
  it('takes both places, in any order', () => {
    expect(moveAsked(['move', '--to', 'redis://b', '--from', 'a'])).toEqual({ from: 'a', to: 'redis://b' });
    expect(moveAsked([])).toBeUndefined();
    expect(moveAsked(['--help'])).toBeUndefined();
  });

  it.each([
    [['move'], /needs both --from and --to/],
    [['move', '--from', 'a'], /needs both --from and --to/],
    [['move', '--from'], /"--from" is wrong here/],
    [['move', '--from', 'a', '--from', 'b', '--to', 'c'], /"--from" is wrong here/],
    [['move', '--into', 'a'], /"--into" is wrong here: allowed are --from and --to/],
    [['move', '--from', '', '--to', 'c'], /"--from" is wrong here/],
  ])('refuses %j, and says what is allowed', (args, text) => {
    expect(moveAsked(args)).toMatchObject({ exitCode: 2, text: expect.stringMatching(text) });
  });

  it('says what it does', () => {
    expect(moveAsked(['move', '--help'])).toMatchObject({
      exitCode: 0,
      text: expect.stringContaining('second has to be empty'),
    });
    expect(answerTo(['--help'])?.text).toContain('move --from <place> --to <place>');
  });
});
