import { add, countOutcome, failures, nothing, readRun, table } from './results.mjs';

/**
 * `node tools/sum-results.mjs test check`: adds up the runs of these names and prints a line for each script, and as its last
 * line `N passed, N failed`. Exit code 1 where anything failed, or where a run left no result.
 */
const outcomes = process.argv.slice(2).flatMap(readRun);
const { passed, failed } = outcomes.map(countOutcome).reduce(add, nothing);
process.stdout.write(
  `\n${[...failures(outcomes), '', ...table(outcomes)].join('\n')}\n\n${passed} passed, ${failed} failed\n`,
);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
