import { join } from 'node:path';
import { loadCached } from './cached-file';
import type * as Program from './program';
import { StopSignals } from './stop-signals';

async function main(): Promise<void> {
  const signals = new StopSignals();
  // Only now: a signal is listened to, whatever the rest takes.
  const { pieces, commandLine, moving, serving } = loadProgram();
  const { answerTo, moveAsked } = commandLine();
  const args = process.argv.slice(2);
  const asked = moveAsked(args);
  if (asked && 'from' in asked) {
    // What is done by then stays marked as unfinished.
    signals.onFirst = () => process.exit(1);
    bearNoReader();
    process.exitCode = await moving().moveAll(asked, process.env, line => void process.stdout.write(`${line}\n`));
    return;
  }
  const answer = asked ?? answerTo(args);
  if (answer) {
    const output = answer.exitCode === 0 ? process.stdout : process.stderr;
    process.exitCode = answer.exitCode;
    // A full disk, or a reader that has gone: there is nobody to tell of it.
    output.on('error', () => (process.exitCode = 1));
    output.write(answer.text);
    return;
  }
  for (const load of pieces) {
    load();
    await new Promise(setImmediate);
  }
  await serving().serve(signals);
}

/** The move is done all the same, and its exit code says so. A reader that has gone, as `head` when it has seen enough, wants to hear no more. */
function bearNoReader(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.once('error', ({ code, message }: NodeJS.ErrnoException) => {
    process.stdout.on('error', () => undefined);
    if (code !== 'EPIPE') process.stderr.write(`What the move has to say cannot be written: ${message}\n`);
  });
}

/** A built one stands beside this file. */
function loadProgram(): typeof Program {
  const isSource = __filename.endsWith('.ts');
  return (isSource ? require('./program') : loadCached(join(__dirname, 'program.js'))) as typeof Program;
}

void main();
