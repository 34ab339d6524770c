import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEngine } from '../engine/engine';
import { startService, type RunningService } from '../support/service';
import { temporaryFolder } from '../support/temporary-folder';
import { CrashClient } from './crash-client';
import { Random } from './random';
import type { TrackedTask } from './tracked-task';

/**
 * Kills the service at random moments, with tasks queued, starting and streaming, starts it again on the same data folder, and
 * in the end holds all that clients were told against what there is.
 *
 * Usage: npm run test:crash -- [--rounds 15] [--seed 1] [--program dist/main.js] [--verbose]
 */

const TASKS_PER_ROUND = 16;
/** A round is a kill after at most this long. */
const ROUND_MS = 900;
const SUBMIT_EVERY_MS = 40;
/** For all that is left after the last kill. */
const FINISH_MS = 120_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    program: { type: 'string', default: 'dist/main.js' },
    verbose: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const rounds = Number(values.rounds);
  const random = new Random(Number(values.seed));
  const folder = temporaryFolder();
  const engine = await startEngine({ slots: 4, tokensPerSecond: 150, prefillMs: 20, requestsKept: 1_000_000 });
  const client = new CrashClient(engine, random);
  const start = async (): Promise<RunningService> => {
    const service = await startService({
      program: values.program,
      env: {
        ORCHD_DATA_DIR: join(folder.path, 'data'),
        ORCHD_LLAMACPP_URL: engine.url,
        ORCHD_FALLBACK: 'wait',
        ORCHD_ADMISSION_CAPACITY: '100000',
        ORCHD_TASK_RETENTION_MS: '86400000',
        ORCHD_PROBE_INTERVAL_MS: '100',
      },
    });
    client.use(service);
    return service;
  };
  const lost = new Set<string>();
  let service = await start();
  try {
    for (let round = 1; round <= rounds; round++) {
      const submitting = submitSome(client, round);
      await pause(random.below(ROUND_MS));
      await service.stop('SIGKILL');
      await submitting;
      await client.killed();
      service = await start();
      for (const id of await client.resume()) lost.add(id);
      if (values.verbose) console.log(`round ${round}: ${client.tasks.size} tasks, ${lost.size} lost`);
    }
    await client.judgeAll(FINISH_MS);
    report(rounds, [...client.tasks.values()], lost, client.ranTwice());
  } finally {
    await service.stop('SIGKILL');
    await engine.stop();
    folder.remove();
  }
}

async function submitSome(client: CrashClient, round: number): Promise<void> {
  const answers: Promise<void>[] = [];
  for (let i = 0; i < TASKS_PER_ROUND; i++) {
    answers.push(client.submit(`round-${round}-task-${i}`));
    await pause(SUBMIT_EVERY_MS);
  }
  await Promise.all(answers);
}

function report(
  rounds: number,
  tasks: readonly TrackedTask[],
  lost: ReadonlySet<string>,
  twice: readonly string[],
): void {
  const acknowledged = tasks.filter(task => task.acknowledged);
  const broken = acknowledged.filter(({ faults }) => faults.length > 0);
  const codes = new Map<string, number>();
  for (const { errorCode } of acknowledged) if (errorCode) codes.set(errorCode, (codes.get(errorCode) ?? 0) + 1);
  console.log(`kills                     ${rounds} (seed ${values.seed})`);
  console.log(`acknowledged              ${acknowledged.length}`);
  console.log(`lost                      ${lost.size}`);
  console.log(`run twice after a token   ${twice.length}`);
  console.log(`broken streams            ${broken.length}`);
  console.log(`copied before a kill      ${acknowledged.reduce((sum, { copied }) => sum + copied, 0)} events`);
  console.log(`typed errors              ${[...codes].map(([code, count]) => `${code} ${count}`).join(', ') || 0}`);
  for (const id of lost) console.log(`  lost: ${id}`);
  for (const id of twice) console.log(`  run twice: ${id}`);
  for (const { id, faults } of broken.slice(0, 20)) console.log(`  broken: ${id}: ${faults.slice(0, 3).join('; ')}`);
  if (lost.size + twice.length + broken.length > 0) process.exitCode = 1;
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

void main();
