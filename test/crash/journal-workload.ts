import { isDeepStrictEqual } from 'node:util';
import { MemoryTaskJournal } from '../../src/storage/memory/task-journal.memory';
import type { Recovery, TaskJournal } from '../../src/tasks/journal/task-journal.port';
import type { TaskEnding } from '../../src/tasks/task/task';
import {
  droppedEnding,
  endingOf,
  factsOf,
  fullSpec,
  placement,
  plainSpec,
  startMs,
} from '../contracts/journal-samples';

/** One write of a journal; what it is follows from its number alone, so that another process can repeat it. */
export interface Step {
  readonly what: string;
  readonly taskId: string;
  apply(journal: TaskJournal): Promise<unknown>;
}

/** Characters of a prompt: two pages, so that a checkpoint is due after some 300 tasks. */
const PROMPT_UNITS = 6000;

/**
 * The way of task after task, overlapping as in a service: admitted, marked, ended, some evicted by the next, some left waiting,
 * with a session's usage, bindings and expiry in between.
 */
export function workload(tasks: number): Step[] {
  const steps: Step[] = [];
  for (let i = 1; i <= tasks; i++) {
    steps.push(admission(i));
    if (i > 3) steps.push(...lifeOf(i - 3));
    if (i % 40 === 0) steps.push(expiry(i));
    if (i % 25 === 0) steps.push(binding(i), drain(i));
  }
  return steps;
}

export function taskIdOf(i: number): string {
  return `task-${String(i).padStart(6, '0')}`;
}

function numberOf(taskId: string): number {
  return Number(taskId.slice('task-'.length));
}

/** The session whose usage the ending of a task counts in. */
export function sessionOf(taskId: string): string {
  return `session-${numberOf(taskId) % 4}`;
}

/** The task that is ended to make room for this one, if any. */
export function evictedWith(taskId: string): readonly string[] {
  const i = numberOf(taskId);
  return evicts(i) ? [taskIdOf(i - 1)] : [];
}

function promptOf(i: number): string {
  return `prompt ${i} `.padEnd(PROMPT_UNITS, `${i} `);
}

/** Every fifth admission evicts the one before it, which then has no further steps. */
function evicts(i: number): boolean {
  return i % 5 === 0;
}

function admission(i: number): Step {
  const taskId = taskIdOf(i);
  const more = { prompt: promptOf(i), sessionId: sessionOf(taskId), ownSession: false };
  const spec = i % 2 === 0 ? fullSpec(taskId, more) : plainSpec(taskId, more);
  const [evictedId] = evictedWith(taskId);
  const evicted = evictedId === undefined ? undefined : droppedEnding(evictedId);
  return { what: 'admit', taskId, apply: journal => journal.admit(spec, factsOf(i), evicted) };
}

function lifeOf(i: number): Step[] {
  if (evicts(i + 1) || i % 7 === 0) return []; // Evicted, or left waiting for ever.
  const taskId = taskIdOf(i);
  const mark: Step = { what: 'mark', taskId, apply: journal => journal.markFirstToken(taskId, placement) };
  if (i % 11 === 0) return [mark]; // Left streaming.
  const ending = endingOf(taskId, { keptFromMs: startMs + i });
  return [mark, { what: 'end', taskId, apply: journal => journal.end(ending, usageAfter(i, ending)) }];
}

function usageAfter(i: number, { usage }: TaskEnding): Parameters<TaskJournal['end']>[1] {
  return { sessionId: sessionOf(taskIdOf(i)), tokens: usage.tokensOut * i, timeMs: i, cost: i / 8, turns: i };
}

function expiry(i: number): Step {
  return { what: 'expire', taskId: '', apply: journal => journal.expire(startMs + i - 30, 8) };
}

function binding(i: number): Step {
  const replica = { poolId: 'pool', replicaId: `r${i % 3}` };
  if (i % 2 === 0)
    return { what: 'unbind', taskId: '', apply: journal => journal.removeBinding(replica.poolId, replica.replicaId) };
  const saved = {
    ...replica,
    engine: 'llamacpp',
    url: `http://127.0.0.1:${8000 + i}`,
    source: 'worker',
    ttlMs: 1000 * i,
  };
  return { what: 'bind', taskId: '', apply: journal => journal.saveBinding(saved) };
}

function drain(i: number): Step {
  const poolId = `pool-${i % 3}`;
  if (i % 2 === 0) return { what: 'undrain', taskId: '', apply: journal => journal.removeDrain(poolId) };
  const saved = { poolId, deadlineMs: 1000 * i, deadlineAtMs: startMs + 1000 * i };
  return { what: 'drain', taskId: '', apply: journal => journal.saveDrain(saved) };
}

/** All that a journal knows. Two journals with equal contents are deeply equal in it. */
export async function contentsOf(recovery: Recovery, journal: TaskJournal): Promise<unknown> {
  const records = await journal.list({ limit: 1_000_000 });
  const sessions = new Map(recovery.sessions.map(usage => [usage.sessionId, usage]));
  const bindings = new Map(recovery.bindings.map(binding => [`${binding.poolId}/${binding.replicaId}`, binding]));
  return {
    live: recovery.live,
    ended: records.filter(({ ending }) => ending),
    sessions,
    bindings,
    drains: new Map(recovery.drains.map(each => [each.poolId, each])),
    lastSeq: recovery.lastSeq,
  };
}

/**
 * How many of the steps a journal holds: the number from `acked` to `issued` after which a journal in memory has the same
 * contents; undefined when there is none, and so something was torn, lost or kept that should not be.
 */
export async function stepsHeld(
  steps: readonly Step[],
  acked: number,
  issued: number,
  contents: unknown,
): Promise<number | undefined> {
  const model = new MemoryTaskJournal();
  for (let done = 0; done <= issued; done++) {
    if (done >= acked && isDeepStrictEqual(await contentsOf(await model.recover(), model), contents)) return done;
    await steps[done]?.apply(model);
  }
  return undefined;
}
