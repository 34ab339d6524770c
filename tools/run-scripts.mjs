import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { add, countOutcome, failures, nothing, reportOf, runFileOf, table } from './results.mjs';

/**
 * `node tools/run-scripts.mjs <run> <script>…`: runs npm scripts one after another, all of them even where one fails, and those that are
 * joined by `+` beside each other (what the others of these say follows what the first says). Keeps what they came to in reports/<run>.run.json. Exit code 1 where one failed.
 */
const [run, ...groups] = process.argv.slice(2);
const scripts = groups.flatMap(group => group.split('+'));
if (run === undefined || scripts.length === 0) {
  process.stderr.write('usage: node tools/run-scripts.mjs <run> <script>…\n');
  process.exit(2);
}

const outcomes = scripts.map(script => ({ script, exitCode: null, seconds: 0 }));
const current = new Set();
let interrupted;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted = signal;
    for (const child of current) child.kill(signal);
  });
}

mkdirSync('reports', { recursive: true });
// An old report must not speak for a script that does not get to write its own.
for (const script of scripts) rmSync(reportOf(script), { force: true });
keep();
for (const group of groups) {
  const [first, ...others] = group.split('+').map(name => outcomes.find(({ script }) => script === name));
  process.stdout.write(`\n── ${first.script}\n`);
  const beside = others.map(outcome => runOutcome(outcome, 'pipe'));
  await runOutcome(first, 'inherit');
  for (const [at, { script }] of others.entries()) process.stdout.write(`\n── ${script}\n${await beside[at]}`);
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

/** Resolves with what it said where that was not shown at once. */
async function runOutcome(outcome, output) {
  const startMs = performance.now();
  const said = [];
  outcome.exitCode = await runScript(outcome.script, output, said);
  outcome.seconds = (performance.now() - startMs) / 1000;
  keep();
  return Buffer.concat(said).toString('utf8');
}

/** Resolves with the exit code; null where a signal ended it or it could not be started. */
function runScript(script, output, said) {
  return new Promise(resolve => {
    const stdio = ['inherit', output, output];
    const child = spawn('npm', ['run', '--silent', script], { stdio, shell: process.platform === 'win32' });
    current.add(child);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', piece => said.push(piece));
    child.on('error', error => {
      process.stderr.write(`${script} could not be started: ${error.message}\n`);
      resolve(null);
    });
    child.on('close', code => {
      current.delete(child);
      resolve(code);
    });
  });
}
