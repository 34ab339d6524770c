import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { FoundTask } from './task-lookup';
import { taskStates, type TaskState } from '../task';

export class TaskUsageView {
  @ApiProperty() tokens_in!: number;
  @ApiProperty() tokens_out!: number;
  @ApiProperty() decode_time_ms!: number;
  @ApiProperty() cost!: number;
}

export class TaskErrorView {
  @ApiProperty() code!: string;
  @ApiProperty() message!: string;
}

export class TaskStreamsView {
  @ApiProperty() sse!: string;
  @ApiProperty() sse_verbose!: string;
}

/** A task as a client sees it. Times are milliseconds since 1970; what is not known is absent. */
export class TaskView {
  @ApiProperty() task_id!: string;
  @ApiProperty() session_id!: string;
  @ApiProperty({ enum: taskStates }) state!: TaskState;
  @ApiProperty() priority!: string;
  @ApiProperty() workload!: string;
  @ApiPropertyOptional() model_ref?: string;
  @ApiPropertyOptional() engine?: string;
  @ApiPropertyOptional() engine_version?: string;
  @ApiPropertyOptional() pool_id?: string;
  @ApiPropertyOptional() replica_id?: string;
  @ApiProperty({ description: 'Attempts begun.' }) attempts!: number;
  @ApiProperty({ description: 'The position told at admission.' }) queue_position!: number;
  @ApiProperty({ description: 'The prediction told at admission.' }) predicted_start_ms!: number;
  @ApiProperty() deadline_ms!: number;
  @ApiProperty() created_ms!: number;
  @ApiPropertyOptional() started_ms?: number;
  @ApiPropertyOptional() ended_ms?: number;
  @ApiPropertyOptional() usage?: TaskUsageView;
  @ApiPropertyOptional() error?: TaskErrorView;
  @ApiPropertyOptional() transcript_artifact_id?: string;
  @ApiProperty() streams!: TaskStreamsView;
}

/** Where a task's events are read. */
export function streamsOf(taskId: string): TaskStreamsView {
  const sse = `/v2/tasks/${taskId}/events`;
  return { sse, sse_verbose: `${sse}?verbose=true` };
}

export function toTaskView({ record, live }: FoundTask): TaskView {
  const { spec, facts, ending } = record;
  const placement = live?.placement ?? ending?.placement ?? record.placement;
  const startedAtMs = live?.startedAtMs ?? ending?.startedAtMs;
  return {
    task_id: spec.taskId,
    session_id: spec.sessionId,
    state: live?.state ?? ending?.state ?? 'queued',
    priority: spec.priority,
    workload: spec.constraints.workload,
    ...(spec.constraints.modelRef !== undefined && { model_ref: spec.constraints.modelRef }),
    ...(placement && {
      engine: placement.engine,
      engine_version: placement.engineVersion,
      pool_id: placement.poolId,
      replica_id: placement.replicaId,
    }),
    attempts: live?.attempts ?? ending?.attempts ?? 0,
    queue_position: facts.queuePosition,
    predicted_start_ms: facts.predictedStartMs,
    deadline_ms: spec.deadlineMs,
    created_ms: facts.admittedAtMs,
    ...(startedAtMs !== undefined && { started_ms: startedAtMs }),
    ...(ending && {
      ended_ms: ending.endedAtMs,
      usage: {
        tokens_in: ending.usage.tokensIn,
        tokens_out: ending.usage.tokensOut,
        decode_time_ms: Math.round(ending.usage.decodeMs),
        cost: ending.usage.cost,
      },
    }),
    ...(ending?.code && { error: { code: ending.code, message: ending.message ?? '' } }),
    ...(ending?.transcriptArtifactId !== undefined && { transcript_artifact_id: ending.transcriptArtifactId }),
    streams: streamsOf(spec.taskId),
  };
}
