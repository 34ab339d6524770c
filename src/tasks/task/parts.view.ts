import { AnswerChoice, AnswerSpan, AnswerText } from '../../http/fields/answer-fields';
import type { Placement, PredictedStart } from './task';

export class PredictedStartView {
  @AnswerSpan('It starts before this many milliseconds in one of ten cases.') earliest_ms!: number;
  @AnswerSpan('And later than this in one of ten.') latest_ms!: number;
  @AnswerChoice('What the range stands on: the measured pace of the pools, or none yet.', ['measured', 'assumed'])
  basis!: PredictedStart['basis'];
}

/** As answers and events tell it alike. */
export function predictedStartOf({ earliestMs, latestMs, basis }: PredictedStart): PredictedStartView {
  return { earliest_ms: earliestMs, latest_ms: latestMs, basis };
}

export class TaskStreamsView {
  @AnswerText('Path of its events.') sse!: string;
  @AnswerText('Path of its events with what a person would want to read.') sse_verbose!: string;
}

/** Where a task's events are read. */
export function streamsOf(taskId: string): TaskStreamsView {
  const sse = `/v2/tasks/${taskId}/events`;
  return { sse, sse_verbose: `${sse}?verbose=true` };
}

/** Where an attempt runs, as answers and log lines tell it. */
export function placementFields({ engine, engineVersion, poolId, replicaId, model }: Placement): PlacementFields {
  return {
    engine,
    engine_version: engineVersion,
    pool_id: poolId,
    replica_id: replicaId,
    ...(model !== undefined && { model }),
  };
}

export interface PlacementFields {
  readonly engine: string;
  readonly engine_version: string;
  readonly pool_id: string;
  readonly replica_id: string;
  readonly model?: string;
}
