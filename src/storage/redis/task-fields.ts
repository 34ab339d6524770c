import { ServiceError } from '../../errors/service-error';
import type { ErrorCode } from '../../errors/catalogue';
import type { SessionStatus, Spend } from '../../sessions/session-store.port';
import type { EndDraft, LiveTask } from '../../tasks/ledger/task-ledger.port';
import type { TaskRecord } from '../../tasks/ledger/task-records.port';
import type { AdmissionFacts, Placement, TaskEnding, TaskSpec } from '../../tasks/task/task';
import { atLeast, subtract, toSpend, type Amounts } from '../embedded/session-amounts';
import type { Reply } from './connection/store';

/** The hash of a task, as the scripts keep it. */
export type TaskFields = ReadonlyMap<string, string>;

export function fieldsOf(reply: Reply): TaskFields | undefined {
  const flat = reply as readonly string[];
  if (flat.length === 0) return undefined;
  const fields = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) fields.set(String(flat[at]), String(flat[at + 1]));
  return fields;
}

/** What was told at admission beside what the store has said itself. */
export type Told = Pick<AdmissionFacts, 'predictedStartMs' | 'predictedStart' | 'preparation'>;

type StoredSpec = Omit<TaskSpec, 'prompt'>;

export function encodeSpec({ prompt: _apart, ...spec }: TaskSpec): string {
  return JSON.stringify(spec);
}

export function specOf(spec: string, prompt: string): TaskSpec {
  return { ...(JSON.parse(spec) as StoredSpec), prompt };
}

export function factsOf(
  hash: string,
  place: readonly [seq: string, ok: string, at: string, pos: string],
  told: string,
): AdmissionFacts {
  const [seq, ok, at, pos] = place;
  return {
    requestHash: hash,
    admittedAtMs: Number(at),
    orderKey: Number(ok),
    seq: Number(seq),
    queuePosition: Number(pos),
    ...(JSON.parse(told) as Told),
  };
}

function field(fields: TaskFields, name: string): string {
  return fields.get(name) ?? '';
}

function specIn(fields: TaskFields): TaskSpec {
  return specOf(field(fields, 'spec'), field(fields, 'prompt'));
}

function factsIn(fields: TaskFields): AdmissionFacts {
  const place = [field(fields, 'seq'), field(fields, 'ok'), field(fields, 'at'), field(fields, 'pos')] as const;
  return factsOf(field(fields, 'hash'), place, field(fields, 'told'));
}

const liveStates: Readonly<Record<string, LiveTask['state']>> = {
  q: 'queued',
  r: 'queued',
  d: 'dispatching',
  s: 'streaming',
};

/** Where an ending is won and not written yet, a task stands as it did. */
function stateIn(fields: TaskFields): LiveTask['state'] {
  const known = liveStates[field(fields, 'st')];
  if (known) return known;
  return fields.has('place') ? 'streaming' : 'queued';
}

/** A task at whichever node, as it stood when it was looked at; undefined for one that has ended. */
export function liveTaskOf(fields: TaskFields): LiveTask | undefined {
  const st = field(fields, 'st');
  if (st === 'x' || st === '') return undefined;
  const failure = fields.get('fail');
  return {
    spec: specIn(fields),
    facts: factsIn(fields),
    state: stateIn(fields),
    isEnding: st === 'e',
    attempts: Number(field(fields, 'att')),
    lastFailure: failure === undefined ? undefined : decodeError(failure),
    placement: placementIn(fields),
    shown: { tokens: 0, startedAtMs: startedIn(fields), terminalSeq: undefined },
  };
}

function placementIn(fields: TaskFields): Placement | undefined {
  const place = fields.get('place');
  return place === undefined ? undefined : (JSON.parse(place) as Placement);
}

function startedIn(fields: TaskFields): number | undefined {
  const started = fields.get('started');
  return started === undefined ? undefined : Number(started);
}

export function recordOf(fields: TaskFields, withPrompt: boolean): TaskRecord {
  const { prompt, ...spec } = specIn(fields);
  const ending = field(fields, 'st') === 'x' ? endingIn(fields) : undefined;
  const [placement, startedAtMs] = [ending?.placement ?? placementIn(fields), ending?.startedAtMs ?? startedIn(fields)];
  return {
    spec: { ...spec, prompt: withPrompt ? prompt : '' },
    facts: factsIn(fields),
    state: ending?.state ?? stateIn(fields),
    attempts: ending?.attempts ?? Number(field(fields, 'att')),
    ...(placement && { placement }),
    ...(startedAtMs !== undefined && { startedAtMs }),
    ...(ending && { ending }),
  };
}

/** An ending as it is kept: the rest stands in fields of its own. */
export type StoredEnding = Omit<TaskEnding, 'taskId' | 'endedAtMs' | 'keptFromMs' | 'transcriptArtifactId'>;

function endingIn(fields: TaskFields): TaskEnding {
  const transcript = field(fields, 'tr');
  return {
    taskId: specIn(fields).taskId,
    ...(JSON.parse(field(fields, 'end')) as StoredEnding),
    endedAtMs: Math.floor(Number(field(fields, 'eat'))),
    keptFromMs: Number(field(fields, 'kept')),
    ...(transcript !== '' && { transcriptArtifactId: transcript }),
  };
}

export function encodeError({ code, message, details }: ServiceError): string {
  return JSON.stringify({ code, message, ...(details.engine !== undefined && { engine: details.engine }) });
}

function decodeError(text: string): ServiceError {
  const { code, ...details } = JSON.parse(text) as { code: ErrorCode; message: string; engine?: string };
  return new ServiceError(code, details);
}

/** How somebody wished a task to end; never that it is complete, which only who runs it knows. */
export function draftOf(ending: string): EndDraft {
  const { state, code = 'CANCELLED', message } = JSON.parse(ending) as StoredEnding;
  const error = new ServiceError(code, message === undefined ? {} : { message });
  return { state: state === 'completed' ? 'cancelled' : state, error };
}

/** {@link SessionStatus} of what a script tells of a session. */
export function sessionOf(sessionId: string, view: Reply, budget: Amounts): SessionStatus {
  const [tokens, timeMs, microCost, rt, rm, rc, turns, live, own, last, left] = (view as readonly string[]).map(String);
  const spent: Amounts = { tokens: Number(tokens), timeMs: Number(timeMs), microCost: Number(microCost) };
  const reserved: Amounts = { tokens: Number(rt), timeMs: Number(rm), microCost: Number(rc) };
  const free = toSpend(subtract(subtract(budget, spent), reserved));
  const [poolId, replicaId] = (last ?? '').split('/');
  return {
    sessionId,
    ttlMsRemaining: Math.ceil(Number(left)),
    turns: Number(turns),
    remaining: { tokens: Math.max(0, free.tokens), timeMs: Math.max(0, free.timeMs), cost: Math.max(0, free.cost) },
    ...(poolId !== undefined && poolId !== '' && replicaId !== undefined && { lastReplica: { poolId, replicaId } }),
    liveTasks: Number(live),
    transient: own === '1',
    spent: toSpend(spent),
  };
}

export function remainingOf(view: Reply, budget: Amounts): Spend {
  return sessionOf('', view, budget).remaining;
}

export function budgetOf(budgets: {
  readonly sessionTokensBudget: number;
  readonly sessionTimeBudgetMs: number;
  readonly sessionCostBudget: number;
}): Amounts {
  return atLeast({
    tokens: budgets.sessionTokensBudget,
    timeMs: budgets.sessionTimeBudgetMs,
    cost: budgets.sessionCostBudget,
  });
}
