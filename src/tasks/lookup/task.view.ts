import {
  AnswerChoice,
  AnswerCount,
  AnswerFlag,
  AnswerHash,
  AnswerId,
  AnswerNumber,
  AnswerPart,
  AnswerSpan,
  AnswerText,
  AnswerTime,
} from '../../http/fields/answer-fields';
import { isOnStandIn } from '../../engines/stand-in';
import type { TaskRecord } from '../ledger/task-records.port';
import { placementFields, predictedStartOf, PredictedStartView, streamsOf, TaskStreamsView } from '../task/parts.view';
import { priorities, taskStates, type TaskState, type TaskUsage } from '../task/task';

export class TaskUsageView {
  @AnswerCount('Tokens of the request, by the engine; 0 where it did not say.') tokens_in!: number;
  @AnswerCount('Of them, those that the engine had in its cache; absent where it did not say.', { optional: true })
  tokens_cached?: number;
  @AnswerCount('Tokens that were generated.') tokens_out!: number;
  @AnswerSpan('Milliseconds of reading the request; absent where the engine did not tell them.', { optional: true })
  prompt_time_ms?: number;
  @AnswerSpan('Milliseconds of generating, by the engine where it told them.') decode_time_ms!: number;
  @AnswerNumber('What the generated tokens cost, in the unit of `ORCHD_COST_PER_1K_TOKENS`.') cost!: number;
}

export class TaskErrorView {
  @AnswerText('A code of docs/errors.md.') code!: string;
  @AnswerText('What went wrong, for people.') message!: string;
}

/** A task as a client sees it; what is not known is absent. */
export class TaskView {
  @AnswerId('The task.') task_id!: string;
  @AnswerId('The session it belongs to.') session_id!: string;
  @AnswerChoice('Where it stands; the last five are ends.', taskStates) state!: TaskState;
  @AnswerChoice('Its class.', priorities) priority!: string;
  @AnswerText('Kind of work.') workload!: string;
  @AnswerText('The model it asked for.', { optional: true }) model_ref?: string;
  @AnswerText("The model that runs or ran, by its engine's name for it.", { optional: true }) model?: string;
  @AnswerId('Kind of the engine it runs or ran on.', { optional: true }) engine?: string;
  @AnswerText('Version of that engine.', { optional: true }) engine_version?: string;
  @AnswerId('Pool it runs or ran in.', { optional: true }) pool_id?: string;
  @AnswerId('Replica it runs or ran on.', { optional: true }) replica_id?: string;
  @AnswerFlag('The built-in stand-in answered, for there was no engine; absent otherwise.', { optional: true })
  stand_in?: true;
  @AnswerCount('Attempts begun.') attempts!: number;
  @AnswerCount('How many queued tasks went before it at admission.') queue_position!: number;
  @AnswerSpan('Milliseconds until its start, as predicted at admission.') predicted_start_ms!: number;
  @AnswerPart('How sure that was.', PredictedStartView) predicted_start!: PredictedStartView;
  @AnswerSpan('Milliseconds it has from admission to its end.') deadline_ms!: number;
  @AnswerTime('When it was admitted.') created_ms!: number;
  @AnswerTime('When its first output came.', { optional: true }) started_ms?: number;
  @AnswerTime('When it ended.', { optional: true }) ended_ms?: number;
  @AnswerPart('What it used; once it ended.', TaskUsageView, { optional: true }) usage?: TaskUsageView;
  @AnswerPart('Why it did not complete.', TaskErrorView, { optional: true }) error?: TaskErrorView;
  @AnswerHash('The artifact that holds its events; once it ended.', { optional: true }) transcript_artifact_id?: string;
  @AnswerPart('Where its events are read.', TaskStreamsView) streams!: TaskStreamsView;
}

export function toTaskView({ spec, facts, state, attempts, placement, startedAtMs, ending }: TaskRecord): TaskView {
  return {
    task_id: spec.taskId,
    session_id: spec.sessionId,
    state,
    priority: spec.priority,
    workload: spec.constraints.workload,
    ...(spec.constraints.modelRef !== undefined && { model_ref: spec.constraints.modelRef }),
    ...(placement && placementFields(placement)),
    ...(placement && isOnStandIn(placement) && { stand_in: true }),
    attempts,
    queue_position: facts.queuePosition,
    predicted_start_ms: facts.predictedStartMs,
    predicted_start: predictedStartOf(facts.predictedStart),
    deadline_ms: spec.deadlineMs,
    created_ms: facts.admittedAtMs,
    ...(startedAtMs !== undefined && { started_ms: startedAtMs }),
    ...(ending && {
      ended_ms: ending.endedAtMs,
      usage: toUsageView(ending.usage),
    }),
    ...(ending?.code && { error: { code: ending.code, message: ending.message ?? '' } }),
    ...(ending?.transcriptArtifactId !== undefined && { transcript_artifact_id: ending.transcriptArtifactId }),
    streams: streamsOf(spec.taskId),
  };
}

function toUsageView({ tokensIn, tokensCached, tokensOut, promptMs, decodeMs, cost }: TaskUsage): TaskUsageView {
  return {
    tokens_in: tokensIn,
    ...(tokensCached !== undefined && { tokens_cached: tokensCached }),
    tokens_out: tokensOut,
    ...(promptMs !== undefined && { prompt_time_ms: Math.round(promptMs) }),
    decode_time_ms: Math.round(decodeMs),
    cost,
  };
}
