import type { Config } from '../../config/config';
import { atMost } from '../embedded/session-amounts';
import type { Store } from '../redis/connection/store';
import { encodeEvents } from '../redis/event-writer';
import { importTaskScript } from '../redis/scripts/move-scripts';
import { StoreLanes } from '../redis/store-lanes';
import { encodeSpec, type StoredEnding } from '../redis/task-fields';
import type { MovedTask } from './moved';

/** Events of one entry of a stream. */
const EVENTS_AT_ONCE = 256;

/** Puts a task on a store as an admission there would have, or as its ending. */
export async function putTask(config: Config, store: Store, task: MovedTask): Promise<void> {
  const { spec, facts, ending, events } = task;
  const lane = StoreLanes.plain(spec.constraints);
  const { sessionTtlMs: ttl, sessionsMax, sessionTimeBudgetMs: time, costPer1kTokens } = config;
  const cost = (spec.maxTokens / 1000) * costPer1kTokens;
  const most = atMost({ tokens: spec.maxTokens, timeMs: spec.deadlineMs, cost });
  const args = {
    ...{ id: spec.taskId, seq: facts.seq, sid: spec.sessionId, own: spec.ownSession ? '1' : '0', st: stateOf(task) },
    ...{ ok: facts.orderKey.toFixed(3), dl: (facts.admittedAtMs + spec.deadlineMs).toFixed(3) },
    ...{ prio: spec.priority === 'interactive' ? 'i' : 'b', lane: lane.key, def: lane.definition },
    ...{ kept: ending?.keptFromMs.toFixed(3) ?? '', state: ending?.state ?? '' },
    ...{ most: [most.tokens, most.timeMs, most.microCost], time, ttl, most_sessions: sessionsMax },
  };
  const fields = ending ? endedFields(task) : [...liveFields(task), 'asked', String(most.tokens)];
  await store.run(importTaskScript, JSON.stringify(args), JSON.stringify(runsOf(events)), ...fields);
}

/** One whose request went with its service is for nobody any more: it is ended as one that was interrupted. */
function stateOf({ spec, firstTokenMarked, ending }: MovedTask): 'q' | 's' | 'x' {
  if (ending) return 'x';
  return firstTokenMarked || spec.onDisconnect === 'end' ? 's' : 'q';
}

function commonFields({ spec, facts, placement, firstTokenMarked }: MovedTask): string[] {
  const { predictedStartMs, predictedStart, preparation } = facts;
  return [
    ...['spec', encodeSpec(spec), 'told', JSON.stringify({ predictedStartMs, predictedStart, preparation })],
    ...['hash', facts.requestHash, 'seq', String(facts.seq), 'ok', facts.orderKey.toFixed(3)],
    ...['at', String(facts.admittedAtMs), 'pos', String(facts.queuePosition)],
    ...['node', '', 'tok', '', 'repl', '', 'sid', spec.sessionId, 'own', spec.ownSession ? '1' : '0'],
    ...['prio', spec.priority === 'interactive' ? 'i' : 'b'],
    ...(placement && firstTokenMarked ? ['place', JSON.stringify(placement)] : []),
  ];
}

function liveFields(task: MovedTask): string[] {
  const { spec, facts } = task;
  const lane = StoreLanes.plain(spec.constraints);
  return [
    ...commonFields(task),
    ...['prompt', spec.prompt, 'bytes', String(Buffer.byteLength(spec.prompt)), 'st', stateOf(task)],
    ...['lane', lane.key, 'lid', lane.id, 'def', lane.definition, 'att', '0', 'ref', '0'],
    ...['dl', (facts.admittedAtMs + spec.deadlineMs).toFixed(3)],
  ];
}

function endedFields(task: MovedTask): string[] {
  const {
    taskId: _of,
    endedAtMs,
    keptFromMs,
    transcriptArtifactId = '',
    ...stored
  } = task.ending as NonNullable<MovedTask['ending']>;
  return [
    ...commonFields(task),
    ...['st', 'x', 'att', String(stored.attempts), 'end', JSON.stringify(stored satisfies StoredEnding)],
    ...['eat', String(endedAtMs), 'kept', keptFromMs.toFixed(3), 'tr', transcriptArtifactId],
  ];
}

function runsOf(events: MovedTask['events']): readonly (readonly [string, number])[] {
  const runs: [string, number][] = [];
  for (let at = 0; at < events.length; at += EVENTS_AT_ONCE) {
    const run = events.slice(at, at + EVENTS_AT_ONCE);
    runs.push([encodeEvents(run), run.length]);
  }
  return runs;
}
