import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

const tools = resolve(__dirname, '../../tools');
let folder: TemporaryFolder;

beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(join(folder.path, 'reports'));
});
afterEach(() => folder.remove());

function file(path: string, content: unknown): void {
  writeFileSync(join(folder.path, path), JSON.stringify(content));
}

function tool(name: string, ...args: string[]): { code: number | null; lastLine: string; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(tools, name), ...args], {
    cwd: folder.path,
    encoding: 'utf8',
  });
  return { code: status, lastLine: stdout.trimEnd().split('\n').at(-1) ?? '', text: stdout + stderr };
}

function outcome(script: string, exitCode: number | null): object {
  return { script, exitCode, seconds: 1 };
}

const scenario = (...statuses: string[]) => ({
  type: 'scenario',
  steps: statuses.map(status => ({ result: { status } })),
});

describe('sum-results', () => {
  it('adds tests, scenarios and checks, and ends with the sum', () => {
    file('reports/unit.json', { numTotalTests: 3, numPassedTests: 3, numFailedTests: 0, testResults: [] });
    file('reports/features.json', [{ elements: [scenario('passed', 'passed')] }, { elements: [scenario('passed')] }]);
    file('reports/test.run.json', [outcome('test:unit', 0), outcome('test:features', 0)]);
    file('reports/check.run.json', [outcome('lint', 0)]);
    expect(tool('sum-results.mjs', 'test', 'check')).toMatchObject({ code: 0, lastLine: '6 passed, 0 failed' });
  });

  it.each(['undefined', 'pending', 'ambiguous', 'skipped', 'failed'])(
    'counts a scenario with a step that is %s as failed',
    status => {
      file('reports/features.json', [{ elements: [scenario('passed', status), scenario('passed')] }]);
      file('reports/test.run.json', [outcome('test:features', 1)]);
      expect(tool('sum-results.mjs', 'test')).toMatchObject({ code: 1, lastLine: '1 passed, 1 failed' });
    },
  );

  it('counts a test file that could not be loaded', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }];
    file('reports/unit.json', { numTotalTests: 2, numPassedTests: 2, numFailedTests: 0, testResults });
    file('reports/test.run.json', [outcome('test:unit', 1)]);
    expect(tool('sum-results.mjs', 'test')).toMatchObject({ code: 1, lastLine: '2 passed, 1 failed' });
  });

  it('names what failed, and why', () => {
    const why = 'AssertionError: expected 1 to be 2\n    at somewhere';
    const assertionResults = [
      { status: 'passed', fullName: 'a place is kept' },
      { status: 'failed', fullName: 'a place is found', failureMessages: [why] },
    ];
    file('reports/unit.json', {
      numTotalTests: 2,
      numPassedTests: 1,
      numFailedTests: 1,
      testResults: [{ assertionResults }],
    });
    const steps = [
      { keyword: 'Then ', name: 'it ends', result: { status: 'failed', error_message: 'Error: it does not' } },
    ];
    file('reports/features.json', [{ name: 'Ending', elements: [{ type: 'scenario', name: 'In order', steps }] }]);
    file('reports/test.run.json', [outcome('test:unit', 1), outcome('test:features', 1)]);
    const { text, lastLine } = tool('sum-results.mjs', 'test');
    expect(lastLine).toBe('1 passed, 2 failed');
    for (const told of ['a place is found', 'expected 1 to be 2', 'Ending: In order', 'Then it ends', 'it does not'])
      expect(text).toContain(told);
    expect(text).not.toContain('a place is kept');
  });

  it.each([
    ['ended badly after all its tests passed', 1, '2 passed, 1 failed'],
    ['was killed after it had written its report', null, '0 passed, 1 failed'],
  ])('counts a suite that %s', (_, exitCode, lastLine) => {
    file('reports/unit.json', { numTotalTests: 2, numPassedTests: 2, numFailedTests: 0, testResults: [] });
    file('reports/test.run.json', [outcome('test:unit', exitCode)]);
    expect(tool('sum-results.mjs', 'test')).toMatchObject({ code: 1, lastLine });
  });

  it('counts a run that left nothing as a failure', () => {
    file('reports/check.run.json', [outcome('lint', 0)]);
    expect(tool('sum-results.mjs', 'test', 'check')).toMatchObject({ code: 1, lastLine: '1 passed, 1 failed' });
  });
});

describe('run-scripts', () => {
  it('runs all scripts, also after one that fails, and takes no old report for a new one', () => {
    const report = { numTotalTests: 9, numPassedTests: 9, numFailedTests: 0, testResults: [] };
    file('reports/two.json', report);
    file('package.json', { scripts: { one: 'exit 3', two: 'echo two ran' } });
    const { code, lastLine, text } = tool('run-scripts.mjs', 'check', 'one', 'two');
    expect(text).toContain('two ran');
    expect({ code, lastLine }).toEqual({ code: 1, lastLine: 'check: 1 passed, 1 failed' });
    expect(tool('sum-results.mjs', 'check').lastLine).toBe('1 passed, 1 failed');
  });

  it('runs those that are joined beside each other, and shows what each says in one piece', () => {
    // Each waits for the other to have begun.
    const wait = 'until [ -e $0.begun ]; do sleep 0.05; done';
    const other = (name: string) => `sh -c '${wait}' ${name}`;
    const [one, two] = [
      `touch one.begun; ${other('two')}; echo one ran`,
      `touch two.begun; ${other('one')}; echo two ran; exit 2`,
    ];
    file('package.json', { scripts: { one, two, three: 'echo three ran' } });
    const { code, lastLine, text } = tool('run-scripts.mjs', 'check', 'one+two', 'three');
    expect(text).toMatch(/── one\n+one ran\n+── two\n+two ran\n[^]*── three\n+three ran/);
    expect({ code, lastLine }).toEqual({ code: 1, lastLine: 'check: 2 passed, 1 failed' });
  });
});
