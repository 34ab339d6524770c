import { existsSync, readFileSync } from 'node:fs';

/**
 * What a run of npm scripts came to. A script that writes a machine-readable report counts as many as the report says; one
 * without (a check) counts as one. Plain JavaScript, for it must still count where nothing could be installed.
 *
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {{ script: string, exitCode: number | null, seconds: number }} Outcome exitCode null: it never came to its end
 */

/** Where a script writes its report, if it writes one: `test:unit` writes reports/unit.json. */
export const reportOf = script => `reports/${script.replace(/^test:/, '').replaceAll(':', '-')}.json`;
/** Where the outcomes of a whole run are kept. */
export const runFileOf = run => `reports/${run}.run.json`;

/** @returns {Counts} */
export function add(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

export const nothing = { passed: 0, failed: 0, skipped: 0 };
const onePassed = { ...nothing, passed: 1 };
const oneFailed = { ...nothing, failed: 1 };

/**
 * @param {Outcome} outcome
 * @returns {Counts}
 */
export function countOutcome({ script, exitCode }) {
  if (exitCode === null) return oneFailed;
  const path = reportOf(script);
  const counts = existsSync(path) ? countReport(JSON.parse(readFileSync(path, 'utf8'))) : onePassed;
  // A suite can fail as a whole (a crash, an unhandled rejection, a threshold) with no failed test to show for it.
  if (exitCode !== 0 && counts.failed === 0) return existsSync(path) ? add(counts, oneFailed) : oneFailed;
  return counts;
}

/** @returns {Counts} of vitest's JSON report or cucumber's */
export function countReport(report) {
  if (Array.isArray(report))
    return report
      .flatMap(feature => feature.elements ?? [])
      .map(countScenario)
      .reduce(add, nothing);
  if (typeof report?.numTotalTests === 'number') return countVitest(report);
  throw new Error('neither a report of vitest nor one of cucumber');
}

function countVitest({ numPassedTests, numFailedTests, numPendingTests = 0, numTodoTests = 0, testResults = [] }) {
  const brokenFiles = testResults.filter(
    ({ status, assertionResults = [] }) =>
      status === 'failed' && !assertionResults.some(test => test.status === 'failed'),
  );
  return {
    passed: numPassedTests,
    failed: numFailedTests + brokenFiles.length,
    skipped: numPendingTests + numTodoTests,
  };
}

/** A scenario passes when each of its steps and hooks did: undefined, pending, ambiguous and skipped ones fail it. */
function countScenario({ type, steps = [] }) {
  if (type === 'background') return nothing;
  return steps.length > 0 && steps.every(step => step.result?.status === 'passed') ? onePassed : oneFailed;
}

/**
 * The outcomes of a run; one failed outcome where it left none.
 * @returns {readonly Outcome[]}
 */
export function readRun(run) {
  try {
    return JSON.parse(readFileSync(runFileOf(run), 'utf8'));
  } catch {
    return [{ script: `${run} (left no result)`, exitCode: null, seconds: 0 }];
  }
}

/** One line for each outcome, for people. */
export function table(outcomes) {
  const width = Math.max(...outcomes.map(({ script }) => script.length), 10);
  return outcomes.map(outcome => {
    const { passed, failed, skipped } = countOutcome(outcome);
    const mark = failed > 0 ? 'FAILED' : 'ok';
    const skips = skipped > 0 ? `, ${skipped} skipped` : '';
    const seconds = `${outcome.seconds.toFixed(1)} s`;
    return `${mark.padEnd(7)}${outcome.script.padEnd(width + 2)}${seconds.padStart(8)}   ${passed} passed, ${failed} failed${skips}`;
  });
}

/** At most so many failures are named. */
const NAMED = 20;

/** What failed, by name, with the first lines of why: last of all that is printed, for a long log is often cut at its beginning. */
export function failures(outcomes) {
  const lines = outcomes.flatMap(({ script }) => {
    const path = reportOf(script);
    if (!existsSync(path)) return [];
    return failuresOf(JSON.parse(readFileSync(path, 'utf8'))).map(({ name, why }) => `${script}: ${name}\n    ${why}`);
  });
  return lines.length > NAMED ? [...lines.slice(0, NAMED), `and ${lines.length - NAMED} more`] : lines;
}

function failuresOf(report) {
  if (Array.isArray(report))
    return report.flatMap(({ name: feature, elements = [] }) =>
      elements.filter(element => countScenario(element).failed > 0).map(element => failedScenario(feature, element)),
    );
  return (report.testResults ?? []).flatMap(({ name: file, message, assertionResults = [], status }) => {
    const failed = assertionResults.filter(test => test.status === 'failed');
    if (failed.length > 0)
      return failed.map(test => ({ name: test.fullName, why: firstLines(test.failureMessages?.join('\n')) }));
    return status === 'failed' ? [{ name: file, why: firstLines(message) }] : [];
  });
}

function failedScenario(feature, { name, steps = [] }) {
  const step = steps.find(each => each.result?.status !== 'passed');
  const what = `${step?.keyword ?? ''}${step?.name ?? ''}: ${step?.result?.status ?? 'no steps'}`;
  return { name: `${feature}: ${name}`, why: `${what}\n    ${firstLines(step?.result?.error_message)}` };
}

function firstLines(text = '') {
  return text.split('\n').slice(0, 4).join('\n    ').slice(0, 600);
}
