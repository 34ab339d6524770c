import { createRequire } from 'node:module';
import type * as CommandLine from './command-line';
import type * as Serve from './serve';
import type * as Move from './storage/move/move-command';
import { StopSignals } from './stop-signals';

const load = createRequire(__filename);

/**
 * What takes long to load. Each has a turn of the event loop to itself, for only between turns a signal is heard; one that is
 * missing here is loaded all the same, with whoever needs it. `reflect-metadata` has to be the first.
 */
const PIECES = [
  'reflect-metadata',
  'rxjs',
  'class-validator',
  '@nestjs/common',
  '@nestjs/core',
  'fastify',
  '@nestjs/swagger',
  'undici',
  './app.module',
];

async function main(): Promise<void> {
  const signals = new StopSignals();
  const { answerTo, moveAsked } = load('./command-line') as typeof CommandLine;
  const args = process.argv.slice(2);
  const asked = moveAsked(args);
  if (asked && 'from' in asked) {
    // What is done by then stays marked as unfinished.
    signals.onFirst = () => process.exit(1);
    load('reflect-metadata');
    const { moveAll } = load('./storage/move/move-command') as typeof Move;
    process.exitCode = await moveAll(asked, process.env, line => void process.stdout.write(`${line}\n`));
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
  for (const piece of PIECES) {
    load(piece);
    await new Promise(setImmediate);
  }
  const { serve } = load('./serve') as typeof Serve;
  await serve(signals);
}

void main();
