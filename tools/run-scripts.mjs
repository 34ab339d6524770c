import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { add, countOutcome, failures, nothing, reportOf, runFileOf, table } from './results.mjs';

/**
 * `node tools/run-scripts.mjs <run> <script>…`: runs npm scripts one after another, all of them even where one fails, and
 * keeps what they came to in reports/<run>.run.json. Exit code 1 where one failed.
 */
const [run, ...scripts] = process.argv.slice(2);
if (run === undefined || scripts.length === 0) {
  process.stderr.write('usage: node tools/run-scripts.mjs <run> <script>…\n');
  process.exit(2);
}

const outcomes = scripts.map(script => ({ script, exitCode: null, seconds: 0 }));
let current;
let interrupted;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted = signal;
    current?.kill(signal);
  });
}

mkdirSync('reports', { recursive: true });
// An old report must not speak for a script that does not get to write its own.
for (const script of scripts) rmSync(reportOf(script), { force: true });
keep();
for (const outcome of outcomes) {
  process.stdout.write(`\n── ${outcome.script}\n`);
  const startMs = performance.now();
  outcome.exitCode = await runScript(outcome.script);
  outcome.seconds = (performance.now() - startMs) / 1000;
  keep();
  if (interrupted) process.exit(128 + constants.signals[interrupted]);
}

const { passed, failed } = outcomes.map(countOutcome).reduce(add, nothing);
process.stdout.write(
  `\n${[...failures(outcomes), '', ...table(outcomes)].join('\n')}\n\n${run}: ${passed} passed, ${failed} failed\n`,
);
process.exitCode = failed > 0 ? 1 : 0;

/** After each script, so that a run that is cut short still says how far it came. */
function keep() {
  writeFileSync(runFileOf(run), `${JSON.stringify(outcomes, undefined, 2)}\n`);
}

/** Resolves with the exit code; null where a signal ended it or it could not be started. */
function runScript(script) {
  return new Promise(resolve => {
    current = spawn('npm', ['run', '--silent', script], { stdio: 'inherit', shell: process.platform === 'win32' });
    current.on('error', error => {
      process.stderr.write(`${script} could not be started: ${error.message}\n`);
      resolve(null);
    });
    current.on('close', resolve);
  });
}
