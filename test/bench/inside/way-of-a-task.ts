import 'reflect-metadata';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { median } from '../figures';

/**
 * Where the time of a lone task goes: loaded before the service's sources, it notes when each step of a task is reached, from the arrival of
 * its request on, and shows the medians on a signal. Nothing of it is in the product, whose methods it wraps from outside. One task at a time.
 *
 * Usage: node -r ./tools/sources.cjs -r ./test/bench/inside/way-of-a-task.ts src/main.ts, one client that submits and reads, kill -USR2
 */
const load = createRequire(join(process.cwd(), 'src/main.ts'));
const times = new Map<string, number[]>();
let startMs = 0;

function note(step: string): void {
  const all = times.get(step);
  const atMs = performance.now() - startMs;
  if (all) all.push(atMs);
  else times.set(step, [atMs]);
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Notes when a method is called, and when what it promised is there. */
function watch(file: string, type: string, name: string, before: string | undefined, after?: string): void {
  const { prototype } = (load(file) as Record<string, { prototype: Record<string, Method> }>)[type] as {
    prototype: Record<string, Method>;
  };
  const method = prototype[name] as Method;
  prototype[name] = function watched(this: unknown, ...args: unknown[]): unknown {
    if (before === 'request') startMs = performance.now();
    else if (before !== undefined) note(before);
    const result = method.apply(this, args);
    // A transcript is handed on while it is being stored.
    const isThere = Promise.resolve(result).then(value => (value as { stored?: Promise<boolean> } | undefined)?.stored);
    if (after !== undefined) void isThere.then(() => note(after));
    return result;
  };
}

if (isMainThread) {
  watch(
    './tasks/admission/admission.service',
    'AdmissionService',
    'admit',
    'request',
    '4 admission durable, 202 goes out',
  );
  watch('./storage/embedded/embedded-ledger', 'EmbeddedLedger', 'admit', '1 judged: the ledger takes it');
  watch('./tasks/dispatch/attempts', 'Attempts', 'start', '2 claimed with its admission: the engine is asked');
  watch('./engines/wire/stream-run', 'StreamRun', 'onHead', '3 the engine answers');
  watch('./tasks/stream/stream-lookup', 'StreamLookup', 'find', '5 its stream is asked for');
  watch(
    './tasks/ending/transcripts',
    'Transcripts',
    'begin',
    '3 its output ends: transcript handed over',
    '6 transcript durable',
  );
  watch(
    './storage/embedded/embedded-ended',
    'EmbeddedEnded',
    'record',
    undefined,
    '7 ending durable: first token and end are written',
  );
  watch('./storage/sqlite/log/commit-log', 'CommitLog', 'append', 'log: write begins', 'log: write is over');
  process.on('SIGUSR2', () => {
    for (const [step, all] of [...times].sort(([a], [b]) => a.localeCompare(b)))
      process.stderr.write(`${median(all).toFixed(2).padStart(7)} ms  ${step.slice(2)} (${all.length})\n`);
    times.clear();
  });
}
