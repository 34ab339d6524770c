import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command';
import type { Installation } from './installation';

export interface UnitTests {
  /** False too where a file could not be run, or something failed outside of the tests. */
  readonly well: boolean;
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: number;
}

/** What this reads of Vitest's JSON report. */
interface Report {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Runs all unit tests under that Node. Undefined where they did not come to their end. */
export async function unitSuite(
  { node, project, env, log }: Installation,
  untilMs: number,
): Promise<UnitTests | undefined> {
  const path = join(project, 'reports', 'unit.json');
  rmSync(path, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${path}`];
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...reporters];
  const code = await run(node, { args, cwd: project, env, log, timeoutMs: untilMs - performance.now() });
  if (!existsSync(path)) return undefined;
  const { numPassedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(path, 'utf8'),
  ) as Report;
  const failed = testResults.flatMap(({ name, status, assertionResults }) => {
    const tests = assertionResults.filter(test => test.status === 'failed').map(test => test.fullName);
    return status === 'failed' && tests.length === 0 ? [name] : tests;
  });
  return { well: code === 0, passed: numPassedTests, failed, skipped: numPendingTests + numTodoTests };
}
