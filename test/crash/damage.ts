import 'reflect-metadata';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { JournalError } from '../../src/storage/sqlite/file/journal-error';
import type { JournalRecord, Recovery } from '../../src/tasks/journal/task-journal.port';
import { damage, type Damage } from './damages';
import { evictedWith, sessionOf, workload } from './journal-workload';
import { journalOn, type LogLine } from './open-journal';
import { Random } from './random';

/**
 * Damages journals at random places and looks at what a start makes of them.
 *
 * Usage: node -r ./tools/sources.cjs test/crash/damage.ts [--rounds 100] [--seed 1] [--verbose]
 */

type Verdict =
  /** Nothing differs and nothing is said. */
  | 'harmless'
  /** The start found and repaired it; nothing differs. */
  | 'repaired'
  /** The start goes on, and every task that differs is named. */
  | 'named'
  /** The start ends and says what to do. */
  | 'stopped'
  /** Something differs that nobody is told of. */
  | 'UNNOTICED';

/** All of a journal, by task. */
interface Contents {
  readonly recovery: Recovery;
  readonly records: ReadonlyMap<string, JournalRecord>;
}

/** A journal before it is damaged. */
interface Original extends Contents {
  /**
   * What was not acknowledged when its process was killed, and may be there or not: of each task or session that a write was about
   * whether its record as a whole may be missing.
   */
  readonly unacknowledged: ReadonlyMap<string, boolean>;
}

interface Round {
  readonly verdict: Verdict;
  readonly detail: string;
}

/** How a journal was left before it is damaged, after so many tasks: in `killed-*` the logs hold what the database does not. */
const kinds = {
  'killed-early': { failpoint: 'before-commit@20', tasks: 800 },
  'killed-late': { failpoint: 'before-commit@50', tasks: 1200 },
  'killed-logging': { failpoint: 'after-log@200', tasks: 400 },
  'killed-after-checkpoint': { failpoint: 'after-checkpoint', tasks: 3000 },
  closed: { failpoint: '', tasks: 400 },
} as const;
type Kind = keyof typeof kinds;
const kindNames = Object.keys(kinds) as Kind[];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      verbose: { type: 'boolean' },
    },
  });
  const random = new Random(Number(values.seed));
  const work = mkdtempSync(join(tmpdir(), 'damage-'));
  try {
    const originals = new Map<Kind, Original>();
    for (const kind of kindNames) originals.set(kind, await prepare(join(work, kind), kind));
    const counts = new Map<Verdict, number>();
    for (let round = 1; round <= Number(values.rounds); round++) {
      const kind = random.pick(kindNames);
      const { verdict, detail, done } = await damageCopy(
        join(work, kind),
        join(work, 'copy'),
        originals.get(kind) as Original,
        random,
      );
      counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
      if (values.verbose || verdict === 'UNNOTICED')
        console.log(`${round} ${kind} ${done.file}: ${done.what} → ${verdict} ${detail}`);
    }
    report(counts, Number(values.rounds));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Makes a journal of the kind and reads it, from a copy, as it is without damage. */
async function prepare(dataDir: string, kind: Kind): Promise<Original> {
  const { failpoint, tasks } = kinds[kind];
  const args = ['-r', './tools/sources.cjs', join(__dirname, 'journal-writer.ts'), dataDir, String(tasks), '8'];
  const writer = spawn(process.execPath, args, {
    env: { ...process.env, JOURNAL_FAILPOINT: failpoint },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  writer.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [, signal] = (await once(writer, 'close')) as [number | null, NodeJS.Signals | null];
  if ((signal === 'SIGKILL') !== (failpoint !== '')) throw new Error(`the journal was not left ${kind}`);
  const copy = `${dataDir}-read`;
  cpSync(dataDir, copy, { recursive: true });
  const { contents } = await read(copy);
  rmSync(copy, { recursive: true });
  return { ...contents, unacknowledged: unacknowledged(said, tasks) };
}

/** @param said what the process that was killed has printed */
function unacknowledged(said: string, tasks: number): Map<string, boolean> {
  const numbers = (word: string): number[] =>
    [...said.matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'))].map(([, number]) => Number(number));
  const acked = new Set(numbers('acked'));
  const steps = workload(tasks);
  const found = new Map<string, boolean>();
  for (const number of numbers('issued').filter(each => !acked.has(each))) {
    const step = steps[number - 1];
    if (!step) throw new Error(`there is no step ${number}`);
    const mayBeMissing = step.what === 'admit' || found.get(step.taskId) === true;
    if (step.taskId !== '') found.set(step.taskId, mayBeMissing);
    if (step.what === 'admit') for (const id of evictedWith(step.taskId)) found.set(id, found.get(id) === true);
    if (step.what === 'end') found.set(sessionOf(step.taskId), true);
  }
  return found;
}

async function damageCopy(
  from: string,
  to: string,
  original: Original,
  random: Random,
): Promise<Round & { done: Damage }> {
  cpSync(from, to, { recursive: true });
  try {
    const folder = join(to, 'journal');
    const names = ['journal.db', 'journal.db-wal', 'journal.commits-0', 'journal.commits-1'];
    const files = names.filter(name => holdsSomething(join(folder, name)));
    const done = damage(folder, random.pick(files), random);
    return { ...(await judge(to, original)), done };
  } finally {
    rmSync(to, { recursive: true });
  }
}

/** Files of the log are zeros while nothing is in them. */
function holdsSomething(path: string): boolean {
  return existsSync(path) && readFileSync(path).some(byte => byte !== 0);
}

async function judge(dataDir: string, original: Original): Promise<Round> {
  let found: Awaited<ReturnType<typeof read>>;
  try {
    found = await read(dataDir);
  } catch (thrown) {
    if (thrown instanceof JournalError) return { verdict: 'stopped', detail: thrown.message.slice(0, 200) };
    return { verdict: 'UNNOTICED', detail: `failed without a word: ${String(thrown)}` };
  }
  const { contents, told } = found;
  const named = new Set(told.flatMap(line => (Array.isArray(line['ids']) ? (line['ids'] as string[]) : [])));
  for (const id of [...named]) named.add(original.records.get(id)?.spec.sessionId ?? id); // Its usage went with the task's ending.
  const differing = differences(original, contents);
  const mayDiffer = (id: string): boolean => {
    const mayBeMissing = original.unacknowledged.get(id);
    return mayBeMissing === true || (mayBeMissing === false && contents.records.has(id));
  };
  const unnamed = differing.filter(id => !named.has(id) && !mayDiffer(id));
  const events = [...new Set(told.map(({ event }) => event))].join();
  if (unnamed.length > 0)
    return {
      verdict: 'UNNOTICED',
      detail: `${unnamed.slice(0, 5).join()} of ${differing.length}; told ${events}; ${described(unnamed[0], original, contents)}`,
    };
  if (differing.length > 0 || named.size > 0) return { verdict: 'named', detail: `${differing.length} differ` };
  return { verdict: told.length > 0 ? 'repaired' : 'harmless', detail: events };
}

/** Ids of tasks, sessions, replicas and pools whose records are not the same. */
function differences(a: Contents, b: Contents): string[] {
  const byId = <T>(items: readonly T[], id: (item: T) => string): Map<string, T> =>
    new Map(items.map(item => [id(item), item]));
  const maps: [ReadonlyMap<string, unknown>, ReadonlyMap<string, unknown>][] = [
    [a.records, b.records],
    [byId(a.recovery.live, ({ spec }) => spec.taskId), byId(b.recovery.live, ({ spec }) => spec.taskId)],
    [byId(a.recovery.sessions, ({ sessionId }) => sessionId), byId(b.recovery.sessions, ({ sessionId }) => sessionId)],
    [
      byId(a.recovery.bindings, ({ poolId, replicaId }) => `${poolId}/${replicaId}`),
      byId(b.recovery.bindings, ({ poolId, replicaId }) => `${poolId}/${replicaId}`),
    ],
    [byId(a.recovery.drains, ({ poolId }) => poolId), byId(b.recovery.drains, ({ poolId }) => poolId)],
  ];
  const ids = maps.flatMap(([before, after]) => {
    // An ended task that had expired and is back expires again: nothing is lost by that.
    const keys = new Set([...before.keys(), ...[...after.keys()].filter(key => !b.records.get(key)?.ending)]);
    return [...keys].filter(key => !isDeepStrictEqual(before.get(key), after.get(key)));
  });
  return [...new Set(ids)];
}

function described(id = '', ...both: Contents[]): string {
  return both.map(({ records }) => JSON.stringify(records.get(id))).join(' → ');
}

async function read(dataDir: string): Promise<{ contents: Contents; told: readonly LogLine[] }> {
  const { journal, told } = journalOn(dataDir);
  const recovery = await journal.recover();
  try {
    const listed = await journal.list({ limit: 1_000_000 });
    const records = new Map<string, JournalRecord>();
    for (const { spec } of listed) {
      const record = await journal.find(spec.taskId).catch(() => undefined); // A damaged record, which is named.
      if (record) records.set(spec.taskId, record);
    }
    return { contents: { recovery, records }, told };
  } finally {
    await journal.close();
  }
}

function report(counts: ReadonlyMap<Verdict, number>, rounds: number): void {
  for (const verdict of ['harmless', 'repaired', 'named', 'stopped', 'UNNOTICED'] as const) {
    const count = counts.get(verdict) ?? 0;
    console.log(`${verdict.padEnd(10)} ${String(count).padStart(5)}  ${((100 * count) / rounds).toFixed(1)} %`);
  }
  process.exitCode = counts.has('UNNOTICED') ? 1 : 0;
}

void main();
