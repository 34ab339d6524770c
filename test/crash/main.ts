import 'reflect-metadata';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import { readEvents } from '../support/sse-client';
import type { SseEvent } from '../support/sse-stream';
import { temporaryFolder } from '../support/temporary-folder';
import { submitAndRead, type Witness } from './client';
import { Random } from './random';
import { emptyTally, judge, type Tally } from './verdict';

/**
 * Kills the service with SIGKILL at random moments, with tasks queued, starting and streaming, starts it again on the same
 * folder, and looks at what became of every task it had acknowledged.
 *
 * Usage: npm run test:crash -- [--rounds 100] [--seed 1]
 */

const SLOTS = 4;
const CLIENTS = 12;
/** A kill comes within this time of the first submission: while tasks are admitted, started, streamed and ended. */
const KILL_WITHIN_MS = 400;
const ENDED = new Set(['completed', 'failed', 'cancelled', 'expired', 'dropped']);

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' }, seed: { type: 'string', default: String(Date.now() % 1e6) } } });
const rounds = Number(values.rounds);
const random = new Random(Number(values.seed));

async function main(): Promise<void> {
  const folder = temporaryFolder();
  const tally = emptyTally();
  const faults: string[] = [];
  // Each round has an engine of its own, so that its book of requests is the round's.
  for (let round = 1; round <= rounds; round++) {
    const engine = await startEngine({ slots: SLOTS, tokensPerSecond: 400, requestsKept: 10_000 });
    try {
      faults.push(...(await killAndLook(round, engine, join(folder.path, 'data'), tally)));
    } finally {
      await engine.stop();
    }
    if (round % 10 === 0 || round === rounds) process.stdout.write(`round ${round}: ${JSON.stringify(tally)}\n`);
  }
  folder.remove();
  for (const fault of faults) process.stdout.write(`  ${fault}\n`);
  const { acked, lost, twice, broken } = tally;
  process.stdout.write(`crash: ${rounds} kills (seed ${values.seed}), ${acked} acknowledged, ${lost} lost, ${twice} run twice, ${broken} broken\n`);
  if (lost + twice + broken > 0 || acked === 0) process.exitCode = 1;
}

async function killAndLook(round: number, engine: RunningEngine, dataDir: string, tally: Tally): Promise<string[]> {
  const first = await start(engine, dataDir);
  const witnesses: Witness[] = [];
  let submitting = true;
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let n = 0; submitting; n++) {
      const witness: Witness = { taskId: `r${round}-c${client}-${n}`, acked: false, events: [] };
      witnesses.push(witness);
      const task = { max_tokens: 1 + random.below(60), priority: random.pick(['interactive', 'batch']) };
      await submitAndRead(first, witness, task, random.below(4) > 0);
    }
  });
  await new Promise(resolve => setTimeout(resolve, 20 + random.below(KILL_WITHIN_MS)));
  submitting = false;
  await first.stop('SIGKILL');
  await Promise.all(clients);

  const second = await start(engine, dataDir);
  try {
    const runs = new Map<string, number>();
    const faults: string[] = [];
    const acked = witnesses.filter(witness => witness.acked);
    const readings = new Map<string, readonly SseEvent[] | undefined>();
    for (const { taskId } of acked) readings.set(taskId, await outcomeOf(second, taskId));
    for (const { path, headers } of engine.stats().requests) {
      const id = String(headers['x-correlation-id']);
      if (path === '/completion') runs.set(id, (runs.get(id) ?? 0) + 1);
    }
    for (const witness of acked) faults.push(...judge(tally, witness, readings.get(witness.taskId), runs.get(witness.taskId) ?? 0));
    return faults;
  } finally {
    await second.stop('SIGTERM', 40_000);
  }
}

function start(engine: RunningEngine, dataDir: string): Promise<RunningService> {
  return startService({
    env: {
      ORCHD_DATA_DIR: dataDir,
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_ADMISSION_CAPACITY: '1000',
      ORCHD_PROBE_INTERVAL_MS: '100',
      ORCHD_SHUTDOWN_GRACE_MS: '20000',
    },
  });
}

/** The events of a task once it has ended; undefined when it is unknown or never ends. */
async function outcomeOf(service: RunningService, taskId: string): Promise<readonly SseEvent[] | undefined> {
  try {
    const path = `/v2/tasks/${taskId}`;
    await eventually(
      async () => (await service.request('GET', path)).json(),
      ({ state, code }) => ENDED.has(String(state)) || code === 'TASK_NOT_FOUND',
      60_000,
    );
    const { status, events, body } = await readEvents(`${service.url}${path}/events`, { headers: { 'X-API-Key': service.apiKey } });
    if (status !== 200) throw new Error(`${taskId} cannot be read: ${status} ${body}`);
    return events;
  } catch (error) {
    process.stdout.write(`  ${String(error)}\n`);
    return undefined;
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
