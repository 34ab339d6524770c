import { ApiProperty } from '@nestjs/swagger';
import { streamsOf, TaskStreamsView } from '../lookup/task.view';
import type { Admission } from './admission';

export class PreparationStepView {
  @ApiProperty({ enum: ['model_load', 'pool_warmup'] }) kind!: string;
  @ApiProperty() detail!: string;
}

export class PreparationView {
  @ApiProperty({ type: [PreparationStepView], description: 'What must happen first; empty where nothing must.' })
  steps!: readonly PreparationStepView[];
}

/** The answer to an accepted task. */
export class AdmissionView {
  @ApiProperty() task_id!: string;
  @ApiProperty() session_id!: string;
  @ApiProperty({ description: 'How many queued tasks go before it.' }) queue_position!: number;
  @ApiProperty({ description: 'Milliseconds until it is expected to start.' }) predicted_start_ms!: number;
  @ApiProperty() streams!: TaskStreamsView;
  @ApiProperty() preparation!: PreparationView;
}

export function toAdmissionView({ spec, facts }: Admission): AdmissionView {
  return {
    task_id: spec.taskId,
    session_id: spec.sessionId,
    queue_position: facts.queuePosition,
    predicted_start_ms: facts.predictedStartMs,
    streams: streamsOf(spec.taskId),
    preparation: { steps: facts.preparation },
  };
}
