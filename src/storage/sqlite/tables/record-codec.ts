import type { JournalRecord, SessionUsage } from '../../../tasks/journal/task-journal.port';
import type { KeptBinding, KeptDrain } from '../../../pools/registry/pool-store.port';
import type {
  AdmissionFacts,
  EndState,
  Placement,
  PredictedStart,
  TaskEnding,
  TaskSpec,
  TaskState,
} from '../../../tasks/task/task';
import type { AdmissionWrite, EndingWrite } from './protocol';
import type { BindingRow, DrainRow, SessionRow, TaskRow } from './rows';

/** Numbers of the states on disk; a journal knows no dispatching. Live ones come first: {@link firstEndState} parts them. */
const stateNumbers: Readonly<Record<Exclude<TaskState, 'dispatching'>, number>> = {
  queued: 0,
  streaming: 1,
  completed: 2,
  failed: 3,
  cancelled: 4,
  expired: 5,
  dropped: 6,
};
const stateNames = Object.keys(stateNumbers) as Exclude<TaskState, 'dispatching'>[];

export const queuedState = stateNumbers.queued;
export const streamingState = stateNumbers.streaming;
export const firstEndState = stateNumbers.completed;
export const failedState = stateNumbers.failed;

/** Undefined for a state that no task of a journal is in. */
export function stateNumberOf(state: TaskState): number | undefined {
  return state === 'dispatching' ? undefined : stateNumbers[state];
}

/**
 * Admissions and endings are JSON arrays: less than half the size of objects, and cheaper to write, at tens of thousands a
 * second. A new field goes to the end, so that older rows read as "absent"; anything else takes a migration.
 */
export function encodeAdmission(spec: TaskSpec, facts: AdmissionFacts): AdmissionWrite {
  const { constraints } = spec;
  const admission = JSON.stringify([
    spec.ownSession ? 1 : 0,
    spec.priority,
    constraints.workload,
    constraints.pinPoolId,
    constraints.engine,
    constraints.modelRef,
    constraints.preferPools,
    constraints.avoidPools,
    constraints.ctx,
    spec.maxTokens,
    spec.expectedTokens,
    spec.deadlineMs,
    spec.sampling,
    spec.onDisconnect,
    spec.correlationId,
    facts.requestHash,
    facts.orderKey,
    facts.queuePosition,
    facts.predictedStartMs,
    facts.preparation,
    spec.identity,
    encodePredicted(facts.predictedStart),
    spec.operation,
    spec.isWithheld ? 1 : undefined,
  ]);
  const { taskId, sessionId, prompt } = spec;
  return { seq: facts.seq, taskId, sessionId, admittedAtMs: facts.admittedAtMs, admission, prompt };
}

type AdmissionCells = [
  ownSession: 0 | 1,
  priority: TaskSpec['priority'],
  workload: string,
  pinPoolId: string | null,
  engine: string | null,
  modelRef: string | null,
  preferPools: string[],
  avoidPools: string[],
  ctx: number | null,
  maxTokens: number,
  expectedTokens: number | null,
  deadlineMs: number,
  sampling: TaskSpec['sampling'],
  onDisconnect: TaskSpec['onDisconnect'],
  correlationId: string,
  requestHash: string,
  orderKey: number,
  queuePosition: number,
  predictedStartMs: number,
  preparation: AdmissionFacts['preparation'],
  identity?: string | null,
  predicted?: PredictedCells | null,
  operation?: NonNullable<TaskSpec['operation']> | null,
  isWithheld?: 1 | null,
];

type PredictedCells = [earliestMs: number, latestMs: number, measured: 0 | 1];

function encodePredicted({ earliestMs, latestMs, basis }: PredictedStart): PredictedCells {
  return [earliestMs, latestMs, basis === 'measured' ? 1 : 0];
}

/** Of a task that was admitted by version 0.1, which guessed. */
function guessOf(predictedStartMs: number): PredictedStart {
  return { earliestMs: 0, latestMs: 10 * predictedStartMs, basis: 'assumed' };
}

function decodePredicted([earliestMs, latestMs, measured]: PredictedCells): PredictedStart {
  return { earliestMs, latestMs, basis: measured === 1 ? 'measured' : 'assumed' };
}

export function encodeEnding(ending: TaskEnding): EndingWrite {
  const { usage, placement } = ending;
  return {
    taskId: ending.taskId,
    state: stateNumbers[ending.state],
    keptFromMs: ending.keptFromMs,
    placement: placement && encodePlacement(placement),
    ending: JSON.stringify([
      ending.transcriptArtifactId,
      ending.code,
      ending.message,
      usage.tokensIn,
      usage.tokensOut,
      usage.decodeMs,
      usage.cost,
      ending.attempts,
      ending.startedAtMs,
      placement ? 1 : 0,
      usage.tokensCached,
      usage.promptMs,
      ending.endedAtMs,
    ]),
  };
}

type EndingCells = [
  transcriptArtifactId: string | null,
  code: TaskEnding['code'] | null,
  message: string | null,
  tokensIn: number,
  tokensOut: number,
  decodeMs: number,
  cost: number,
  attempts: number,
  startedAtMs: number | null,
  placed: 0 | 1,
  tokensCached?: number | null,
  promptMs?: number | null,
  endedAtMs?: number,
];

/** An ending without a transcript is all there is of a task's output: its copied events stay. */
export function namesTranscript(ending: string): boolean {
  return !ending.startsWith('[null');
}

/** The transcript that an ending names. */
export function namedTranscript(ending: string): string | undefined {
  return namesTranscript(ending) ? ((JSON.parse(ending) as EndingCells)[0] ?? undefined) : undefined;
}

/** An ending that names this transcript; undefined for one that names another. */
export function withTranscript(ending: string, artifactId: string): string | undefined {
  if (namesTranscript(ending)) return undefined;
  const [, ...rest] = JSON.parse(ending) as EndingCells;
  return JSON.stringify([artifactId, ...rest]);
}

export function encodePlacement({ engine, engineVersion, poolId, replicaId, model }: Placement): string {
  return JSON.stringify([engine, engineVersion, poolId, replicaId, model]);
}

type PlacementCells = [engine: string, engineVersion: string, poolId: string, replicaId: string, model?: string | null];

function decodePlacement(text: string): Placement {
  const [engine, engineVersion, poolId, replicaId, model] = JSON.parse(text) as PlacementCells;
  return { engine, engineVersion, poolId, replicaId, ...(model != null && { model }) };
}

/** @param prompt empty for a task that ended */
export function decodeRecord(row: TaskRow, prompt = ''): JournalRecord {
  const [seq, taskId, sessionId, admittedAtMs, state, marked, keptFromMs, admission, placementText, endingText] = row;
  const cells = JSON.parse(admission) as AdmissionCells;
  const placement = placementText === null ? undefined : decodePlacement(placementText);
  return {
    spec: decodeSpec(taskId, sessionId, prompt, cells),
    facts: decodeFacts(seq, admittedAtMs, cells),
    firstTokenMarked: marked === 1,
    ...(placement && { placement }),
    ...(endingText !== null && { ending: decodeEnding(taskId, state, keptFromMs ?? 0, placement, endingText) }),
  };
}

function decodeSpec(taskId: string, sessionId: string, prompt: string, cells: AdmissionCells): TaskSpec {
  const [ownSession, priority, workload, pinPoolId, engine, modelRef, preferPools, avoidPools, ctx, maxTokens] = cells;
  const [, , , , , , , , , , expectedTokens, deadlineMs, sampling, onDisconnect, correlationId] = cells;
  const [identity, operation] = [cells[20], cells[22]];
  return {
    taskId,
    sessionId,
    ownSession: ownSession === 1,
    priority,
    constraints: {
      ...(pinPoolId !== null && { pinPoolId }),
      preferPools,
      avoidPools,
      ...(engine !== null && { engine }),
      ...(modelRef !== null && { modelRef }),
      ...(ctx !== null && { ctx }),
      workload,
    },
    ...(operation != null && { operation }),
    prompt,
    maxTokens,
    ...(expectedTokens !== null && { expectedTokens }),
    deadlineMs,
    sampling,
    onDisconnect,
    ...(cells[23] === 1 && { isWithheld: true }),
    correlationId,
    ...(identity != null && { identity }),
  };
}

function decodeFacts(seq: number, admittedAtMs: number, cells: AdmissionCells): AdmissionFacts {
  const [requestHash, orderKey, queuePosition, predictedStartMs, preparation] = cells.slice(15) as [
    string,
    number,
    number,
    number,
    AdmissionFacts['preparation'],
  ];
  const predicted = cells[21];
  return {
    requestHash,
    admittedAtMs,
    orderKey,
    seq,
    queuePosition,
    predictedStartMs,
    predictedStart: predicted ? decodePredicted(predicted) : guessOf(predictedStartMs),
    preparation,
  };
}

function decodeEnding(
  taskId: string,
  state: number,
  keptFromMs: number,
  placement: Placement | undefined,
  text: string,
): TaskEnding {
  const cells = JSON.parse(text) as EndingCells;
  const [transcript, code, message, tokensIn, tokensOut, decodeMs, cost, attempts, startedAtMs, placed] = cells;
  const [, , , , , , , , , , tokensCached, promptMs] = cells;
  const endedAtMs = cells[12] ?? keptFromMs;
  return {
    taskId,
    state: stateNames[state] as EndState,
    ...(code !== null && { code }),
    ...(message !== null && { message }),
    endedAtMs,
    keptFromMs,
    usage: {
      tokensIn,
      ...(tokensCached != null && { tokensCached }),
      tokensOut,
      ...(promptMs != null && { promptMs }),
      decodeMs,
      cost,
    },
    ...(placed === 1 && placement && { placement }),
    attempts,
    ...(startedAtMs !== null && { startedAtMs }),
    ...(transcript !== null && { transcriptArtifactId: transcript }),
  };
}

export function decodeSession([sessionId, tokens, timeMs, cost, turns]: SessionRow): SessionUsage {
  return { sessionId, tokens, timeMs, cost, turns };
}

export function decodeBinding(row: BindingRow): KeptBinding {
  const [poolId, replicaId, engine, url, source, ttlMs, apiKeyFile, slotsTotal] = row;
  return {
    ...{ poolId, replicaId, engine, url, source },
    ...(ttlMs !== null && { ttlMs }),
    ...(apiKeyFile !== null && { apiKeyFile }),
    ...(slotsTotal !== null && { slotsTotal }),
  };
}

export function decodeDrain([poolId, deadlineMs, deadlineAtMs]: DrainRow): KeptDrain {
  return { poolId, deadlineMs, deadlineAtMs };
}
