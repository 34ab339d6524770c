import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openLedger } from '../../src/storage/sqlite/opening/ledger-opening';
import { encodeAdmission, encodeEnding, encodePlacement } from '../../src/storage/sqlite/tables/record-codec';
import { endingOf, factsOf, placement, plainSpec } from '../contracts/journal-samples';
import { startService, type RunningService } from '../support/service';
import { temporaryFolder } from '../support/temporary-folder';

/**
 * Compares the service on an empty journal with one on a journal of very many ended tasks: how long it takes to start, what
 * memory it has then, what an admission and a page of the list cost.
 *
 * Usage: node -r ./tools/sources.cjs test/crash/million.ts [--ended 1000000] [--admissions 4000] [--program dist/main.js]
 */

const { values } = parseArgs({
  options: {
    ended: { type: 'string', default: '1000000' },
    admissions: { type: 'string', default: '4000' },
    program: { type: 'string', default: 'dist/main.js' },
  },
});

const STARTS = 5;
const CLIENTS = 16;
const PER_TRANSACTION = 10_000;

interface Figures {
  readonly startMs: number;
  readonly rssMib: number;
  readonly admissionsPerSecond: number;
  readonly admissionP50Ms: number;
  readonly admissionP99Ms: number;
  readonly lookupMs: number;
  readonly pageMs: number;
  readonly deepPageMs: number;
  readonly rareStatePageMs: number;
  readonly sessionPageMs: number;
}

async function main(): Promise<void> {
  const folder = temporaryFolder();
  try {
    const ended = Number(values.ended);
    const [empty, full] = [join(folder.path, 'empty'), join(folder.path, 'full')];
    const fillStartMs = performance.now();
    fill(join(full, 'journal'), ended);
    const mebibytes = statSync(join(full, 'journal', 'journal.db')).size / 1024 / 1024;
    console.log(
      `${ended} ended tasks: ${mebibytes.toFixed(0)} MiB, written in ${((performance.now() - fillStartMs) / 1000).toFixed(0)} s`,
    );
    report(ended, await measure(empty), await measure(full));
  } finally {
    folder.remove();
  }
}

/** By the journal's own code, but without syncs: only what it comes to matters here. One in a thousand failed. */
function fill(folder: string, ended: number): void {
  mkdirSync(folder, { recursive: true });
  const nowMs = Date.now();
  const { db, echo, lock, tables } = openLedger(folder, ({ human }) => console.log(human));
  db.pragma('synchronous = OFF');
  db.pragma('wal_autocheckpoint = 20000');
  for (let from = 1; from <= ended; from += PER_TRANSACTION) {
    db.transaction(() => {
      for (let i = from; i < from + PER_TRANSACTION && i <= ended; i++) {
        const taskId = taskIdOf(i);
        const state = i % 1000 === 0 ? 'failed' : 'completed';
        const spec = plainSpec(taskId, { sessionId: `session-${i % 10_000}`, ownSession: false });
        tables.apply({ kind: 'admit', task: encodeAdmission(spec, factsOf(i, { admittedAtMs: nowMs - ended + i })) });
        tables.apply({ kind: 'mark', taskId, placement: encodePlacement(placement) });
        tables.apply({ kind: 'end', task: encodeEnding(endingOf(taskId, { state, keptFromMs: nowMs })) });
      }
      tables.settle();
    })();
  }
  db.close();
  echo.close();
  lock.close();
  execFileSync('sync'); // What is still to be written would slow down the starts that are measured.
}

/** Spread over the key space as random ids are. */
function taskIdOf(i: number): string {
  return `${Math.imul(i, 0x9e3779b1) >>> 0}-${i}`;
}

async function measure(dataDir: string): Promise<Figures> {
  const starts: number[] = [];
  for (let i = 0; i < STARTS - 1; i++) {
    const { service, startMs } = await start(dataDir);
    starts.push(startMs);
    await service.stop();
  }
  const { service, startMs } = await start(dataDir);
  try {
    starts.push(startMs);
    const rssMib = rssOf(service.pid);
    const list = (query: string): Promise<number> =>
      medianOf(50, () => service.request('GET', `/v2/tasks?limit=100${query}`));
    const pages = {
      lookupMs: await medianOf(200, i => service.request('GET', `/v2/tasks/${taskIdOf(1 + i * 997)}`)),
      pageMs: await list(''),
      deepPageMs: await list(await deepCursor(service)),
      rareStatePageMs: await list('&state=failed'),
      sessionPageMs: await list('&session_id=session-77'),
    };
    return { startMs: median(starts), rssMib, ...pages, ...(await admit(service, Number(values.admissions))) };
  } finally {
    await service.stop('SIGKILL');
  }
}

async function start(dataDir: string): Promise<{ service: RunningService; startMs: number }> {
  const startMs = performance.now();
  const env = {
    ORCHD_DATA_DIR: dataDir,
    ORCHD_FALLBACK: 'wait',
    ORCHD_ADMISSION_CAPACITY: '1000000',
    ORCHD_TASK_RETENTION_MS: '86400000',
    ORCHD_LOG_LEVEL: 'info',
  };
  const service = await startService({ program: values.program, env });
  return { service, startMs: performance.now() - startMs };
}

async function deepCursor(service: RunningService): Promise<string> {
  let cursor = '';
  for (let page = 0; page < 20; page++) {
    const { next_cursor: next } = (await service.request('GET', `/v2/tasks?limit=1000${cursor}`)).json<{
      next_cursor?: string;
    }>();
    if (next === undefined) break;
    cursor = `&cursor=${next}`;
  }
  return cursor;
}

async function admit(
  service: RunningService,
  admissions: number,
): Promise<Pick<Figures, 'admissionsPerSecond' | 'admissionP50Ms' | 'admissionP99Ms'>> {
  const timesMs: number[] = [];
  const startMs = performance.now();
  const client = async (): Promise<void> => {
    while (timesMs.length < admissions) {
      const sentMs = performance.now();
      const { status, text } = await service.request('POST', '/v2/tasks', {
        body: { prompt: 'x'.repeat(300), deadline_ms: 86_400_000 },
      });
      if (status !== 202) throw new Error(`an admission was answered ${status} ${text}`);
      timesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const seconds = (performance.now() - startMs) / 1000;
  timesMs.sort((a, b) => a - b);
  return {
    admissionsPerSecond: timesMs.length / seconds,
    admissionP50Ms: median(timesMs),
    admissionP99Ms: timesMs[Math.floor(timesMs.length * 0.99)] as number,
  };
}

async function medianOf(times: number, work: (i: number) => Promise<unknown>): Promise<number> {
  const timesMs: number[] = [];
  for (let i = 0; i < times; i++) {
    const startMs = performance.now();
    await work(i);
    timesMs.push(performance.now() - startMs);
  }
  return median(timesMs);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
}

function rssOf(pid: number): number {
  const [, kibibytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) / 1024;
}

function report(ended: number, empty: Figures, full: Figures): void {
  const line = (what: string, a: string, b: string): void =>
    console.log(`${what.padEnd(36)} ${a.padStart(12)} ${b.padStart(12)}`);
  line('', 'empty', `${ended} ended`);
  const rows: readonly (readonly [string, keyof Figures, number])[] = [
    ['start to listening, ms', 'startMs', 0],
    ['RSS when started, MiB', 'rssMib', 1],
    [`admissions/s, ${CLIENTS} clients`, 'admissionsPerSecond', 0],
    ['admission p50, ms', 'admissionP50Ms', 2],
    ['admission p99, ms', 'admissionP99Ms', 2],
    ['lookup of a task, ms', 'lookupMs', 2],
    ['page of 100, newest, ms', 'pageMs', 2],
    ['page of 100 after 20,000, ms', 'deepPageMs', 2],
    ['page of 100 of a rare state, ms', 'rareStatePageMs', 2],
    ['page of 100 of one session, ms', 'sessionPageMs', 2],
  ];
  for (const [what, key, digits] of rows) line(what, empty[key].toFixed(digits), full[key].toFixed(digits));
}

void main();
