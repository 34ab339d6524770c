import { constants, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startEngine } from '../engine/engine';
import { startService } from '../support/service';
import { TaskClient } from '../support/task-client';
import { temporaryFolder } from '../support/temporary-folder';
import { watchCalls, type SystemCall } from './strace';

/**
 * Shows by the service's own system calls that what a client is told is on the disk before: a write to the commit log, whose file is
 * opened so that a write is synced when it returns, or one to SQLite's log and a sync of that; then the write to the client's socket.
 * Needs strace, and the right to use it.
 *
 * Usage: node -r ./tools/sources.cjs test/crash/sync-order.ts [--tasks 20] [--program dist/main.js]
 */

/** Of the flags of an open file: how it may be used. */
const ACCESS_MODE = 0o3;

/** What the stand-in says it is. */
const ENGINE_VERSION = 'b1-de3ff81';

const { values } = parseArgs({
  options: { tasks: { type: 'string', default: '20' }, program: { type: 'string', default: 'dist/main.js' } },
});

/** Something a client was told, one after another. */
interface Telling {
  readonly what: string;
  /** In the write to the journal's log that makes it true. */
  readonly stored: RegExp;
  /** In the write to a socket. */
  readonly told: string;
}

/** What came of one telling: how long before it the sync was over; undefined where there was none in time. */
interface Finding {
  readonly what: string;
  readonly marginMs: number | undefined;
}

async function main(): Promise<void> {
  const tasks = Number(values.tasks);
  const folder = temporaryFolder();
  const engine = await startEngine({ slots: 4, tokensPerSecond: 100 });
  const env = { ORCHD_LLAMACPP_URL: engine.url, ORCHD_FALLBACK: 'wait', ORCHD_PROBE_INTERVAL_MS: '100' };
  const service = await startService({ program: values.program, env });
  try {
    const client = new TaskClient(service);
    await client.slotsFree(4);
    if (!logIsSynced(service.pid)) throw new Error('the files of the commit log are not open with O_DSYNC');
    const names = ['pwrite64', 'write', 'writev', 'sendto', 'sendmsg', 'fsync', 'fdatasync'];
    const stop = await watchCalls(service.pid, folder.path, names);
    const tellings: Telling[] = [];
    for (let i = 0; i < tasks; i++) tellings.push(...(await runToTheEnd(client, `whole-${i}`)));
    for (let i = 0; i < tasks; i++) {
      const taskId = `cancelled-${i}`;
      const cancel = (): Promise<unknown> => service.request('POST', `/v2/tasks/${taskId}/cancel`);
      tellings.push(...(await runUntilCancelled(client, taskId, cancel)));
    }
    report(findingsOf(tellings, await stop()));
  } finally {
    await service.stop('SIGKILL');
    await engine.stop();
    folder.remove();
  }
}

async function runToTheEnd(client: TaskClient, taskId: string): Promise<Telling[]> {
  await client.submit({ task_id: taskId, max_tokens: 5 });
  await client.read(taskId);
  const transcript = await transcriptOf(client, taskId);
  return [...beginningOf(taskId), { what: 'ending, before `end`', stored: anywhere(transcript), told: 'event: end' }];
}

async function runUntilCancelled(
  client: TaskClient,
  taskId: string,
  cancel: () => Promise<unknown>,
): Promise<Telling[]> {
  await client.submit({ task_id: taskId, max_tokens: 10_000 });
  const stream = await client.open(taskId);
  await stream.event(({ type }) => type === 'token');
  await Promise.all([cancel(), stream.finished()]);
  const stored = anywhere(await transcriptOf(client, taskId));
  return [
    ...beginningOf(taskId),
    { what: 'cancel, before `error`', stored, told: 'event: error' },
    { what: 'cancel, before the 204', stored, told: 'HTTP/1.1 204' },
  ];
}

function beginningOf(taskId: string): Telling[] {
  return [
    { what: 'admission, before the 202', stored: anywhere(taskId), told: 'HTTP/1.1 202' },
    { what: 'first-token mark, before `started`', stored: marked(taskId), told: 'event: started' },
  ];
}

function anywhere(text: string): RegExp {
  return new RegExp(text);
}

/** The task's row with where it runs, which it has from its mark on: behind its id, and before that of any other task on the page. */
function marked(taskId: string): RegExp {
  return new RegExp(`${taskId}(?:(?!whole-\\d|cancelled-\\d)[^])*${ENGINE_VERSION}`);
}

async function transcriptOf(client: TaskClient, taskId: string): Promise<string> {
  return String((await client.view(taskId))['transcript_artifact_id']);
}

function findingsOf(tellings: readonly Telling[], calls: readonly SystemCall[]): Finding[] {
  const toLog = calls.filter(({ args, failed }) => /^\d+<[^>]*journal\.(db-wal|commits-\d)>/.test(args) && !failed);
  const toSockets = calls.filter(
    ({ name, args }) => /^(write|writev|sendto|sendmsg)$/.test(name) && /^\d+<(TCP|socket)/.test(args),
  );
  let fromMs = 0;
  return tellings.map(({ what, stored, told }) => {
    // What comes at once is told in one write: it begins no later than what is told next.
    const telling = toSockets.find(({ args, startMs }) => startMs >= fromMs && args.includes(told));
    if (!telling) throw new Error(`no write to a socket has ${told} (${what}, ${stored})`);
    // The engine is asked while an admission is synced, so its mark may be written with that, before the 202 is sent.
    const write = toLog.find(({ name, args }) => name === 'pwrite64' && stored.test(args));
    const sync = write && syncOf(write, toLog);
    // Both words on a cancel are told of the same writing.
    if (!told.startsWith('event: error')) fromMs = telling.startMs;
    return { what, marginMs: sync && sync.endMs <= telling.startMs ? telling.startMs - sync.endMs : undefined };
  });
}

/** Which call has a write on the disk when it returns. */
function syncOf(write: SystemCall, toLog: readonly SystemCall[]): SystemCall | undefined {
  if (write.args.includes('journal.commits-')) return write;
  return toLog.find(
    ({ name, args, startMs }) =>
      /^f(data)?sync$/.test(name) && args.includes('journal.db-wal') && startMs >= write.endMs,
  );
}

/** Whether each file of the commit log is open in this way, by what the kernel says of the process. */
function logIsSynced(pid: number): boolean {
  const folder = `/proc/${pid}/fd`;
  const flags = readdirSync(folder)
    .filter(fd => /journal\.commits-\d$/.test(linkOf(`${folder}/${fd}`)))
    .map(fd => Number.parseInt(/flags:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0', 8))
    .filter(each => (each & ACCESS_MODE) === constants.O_RDWR);
  return flags.length === 2 && flags.every(each => (each & constants.O_DSYNC) === constants.O_DSYNC);
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // Closed meanwhile.
  }
}

function report(findings: readonly Finding[]): void {
  for (const what of new Set(findings.map(finding => finding.what))) {
    const margins = findings.filter(finding => finding.what === what).map(({ marginMs }) => marginMs);
    const synced = margins.filter(margin => margin !== undefined).sort((a, b) => a - b);
    const least = synced[0] === undefined ? '-' : `${(synced[0] * 1000).toFixed(0)} µs`;
    console.log(`${what.padEnd(36)} synced before in ${synced.length} of ${margins.length}, by at least ${least}`);
    if (synced.length < margins.length) process.exitCode = 1;
  }
}

void main();
