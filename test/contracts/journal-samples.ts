import { createHash } from 'node:crypto';
import type { AdmissionFacts, Placement, TaskEnding, TaskEvent, TaskSpec } from '../../src/tasks/task/task';

/** A wall clock to count from: what a journal does must not depend on the real one. */
export const startMs = 1_700_000_000_000;

export const placement: Placement = {
  engine: 'llamacpp',
  engineVersion: 'b9999',
  poolId: 'gpu-0',
  replicaId: 'r1',
  model: 'some-model',
};

/** A task with every optional field filled in, so that a driver that drops one is seen. */
export function fullSpec(taskId: string, more: Partial<TaskSpec> = {}): TaskSpec {
  return {
    taskId,
    sessionId: `session-of-${taskId}`,
    ownSession: false,
    priority: 'batch',
    constraints: {
      pinPoolId: 'gpu-0',
      preferPools: ['gpu-1', 'gpu-2'],
      avoidPools: ['cpu'],
      engine: 'llamacpp',
      modelRef: 'hf:some/model',
      ctx: 4096,
      workload: 'chat',
    },
    prompt: `Prompt of ${taskId}: "quotes", \u{1F680}, a line\nend, a NUL \0 and a lone surrogate free text.`,
    maxTokens: 64,
    expectedTokens: 32,
    deadlineMs: 60_000,
    sampling: {
      temperature: 0.7,
      topP: 0.9,
      topK: 40,
      minP: 0.05,
      repeatPenalty: 1.1,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      seed: 42,
      stop: ['\n\n', 'END'],
    },
    onDisconnect: 'continue',
    correlationId: `correlation-of-${taskId}`,
    identity: 'token:0a1b2c',
    ...more,
  };
}

/** A task that is not a plain completion: its body is kept where a prompt is. */
export function workSpec(taskId: string): TaskSpec {
  const body = JSON.stringify({ messages: [{ role: 'user', content: `Hello from ${taskId}, \u{1F680}` }], n: 2 });
  const constraints = { preferPools: [], avoidPools: [], workload: 'chat' };
  return plainSpec(taskId, { operation: 'chat', prompt: body, constraints, isWithheld: true });
}

/** A task with no optional field. */
export function plainSpec(taskId: string, more: Partial<TaskSpec> = {}): TaskSpec {
  return {
    taskId,
    sessionId: taskId,
    ownSession: true,
    priority: 'interactive',
    constraints: { preferPools: [], avoidPools: [], workload: 'completion' },
    prompt: `Prompt of ${taskId}`,
    maxTokens: 256,
    deadlineMs: 60_000,
    sampling: {},
    onDisconnect: 'cancel',
    correlationId: `correlation-of-${taskId}`,
    ...more,
  };
}

/** Admission number `seq`, `seq` milliseconds after {@link startMs}. */
export function factsOf(seq: number, more: Partial<AdmissionFacts> = {}): AdmissionFacts {
  return {
    requestHash: createHash('sha256').update(String(seq)).digest('hex'),
    admittedAtMs: startMs + seq,
    orderKey: startMs + seq + 0.25,
    seq,
    queuePosition: seq % 7,
    predictedStartMs: 100 * (seq % 7),
    predictedStart: {
      earliestMs: 80 * (seq % 7),
      latestMs: 130 * (seq % 7),
      basis: seq % 2 > 0 ? 'measured' : 'assumed',
    },
    preparation: [],
    ...more,
  };
}

export function endingOf(taskId: string, more: Partial<TaskEnding> = {}): TaskEnding {
  return {
    taskId,
    state: 'completed',
    endedAtMs: startMs + 1000,
    keptFromMs: startMs + 1000,
    usage: { tokensIn: 12, tokensCached: 5, tokensOut: 34, promptMs: 7.25, decodeMs: 56.5, cost: 0.078 },
    placement,
    attempts: 1,
    startedAtMs: startMs + 500,
    transcriptArtifactId: createHash('sha256').update(taskId).digest('hex'),
    ...more,
  };
}

/** An ending of a task that never ran. */
export function droppedEnding(taskId: string): TaskEnding {
  return {
    taskId,
    state: 'dropped',
    code: 'QUEUE_FULL_DROP_LRU',
    message: 'Dropped to make room in a full queue.',
    endedAtMs: startMs + 900,
    keptFromMs: startMs + 900,
    usage: { tokensIn: 0, tokensOut: 0, decodeMs: 0, cost: 0 },
    attempts: 0,
  };
}

/** `started`, then `tokens` tokens, then metrics with a verbose form. */
export function eventsOf(tokens: number): TaskEvent[] {
  return [
    { type: 'started', data: '{"engine":"llamacpp","queue_position":0}' },
    ...Array.from({ length: tokens }, (_, i): TaskEvent => ({ type: 'token', data: `{"i":${i},"t":"t${i} \\n"}` })),
    { type: 'metrics', data: '{"tokens_out":1}', verboseData: '{"human":"One token.","tokens_out":1}' },
  ];
}
