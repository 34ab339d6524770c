import {
  AnswerChoice,
  AnswerCount,
  AnswerId,
  AnswerPart,
  AnswerParts,
  AnswerSpan,
  AnswerText,
} from '../../http/fields/answer-fields';
import { WarningsView } from '../../http/fields/unknown-members';
import { predictedStartOf, PredictedStartView, streamsOf, TaskStreamsView } from '../task/parts.view';
import type { Admission } from './admission.service';

export class PreparationStepView {
  @AnswerChoice('A model to load, or a pool to wait for.', ['model_load', 'pool_warmup']) kind!: string;
  @AnswerText('Which.') detail!: string;
}

export class PreparationView {
  @AnswerParts('What must happen first; empty where nothing must.', PreparationStepView)
  steps!: readonly PreparationStepView[];
}

/** The answer to an accepted task. */
export class AdmissionView extends WarningsView {
  @AnswerId('The task: as it was named, or a new UUIDv7.') task_id!: string;
  @AnswerId('The session it belongs to.') session_id!: string;
  @AnswerCount('How many queued tasks go before it.') queue_position!: number;
  @AnswerSpan('Milliseconds until it is expected to start.') predicted_start_ms!: number;
  @AnswerPart('How sure that is.', PredictedStartView) predicted_start!: PredictedStartView;
  @AnswerPart('Where its events are read.', TaskStreamsView) streams!: TaskStreamsView;
  @AnswerPart('What has to happen before it can start.', PreparationView) preparation!: PreparationView;
}

export function toAdmissionView({ spec, facts }: Admission): AdmissionView {
  return {
    task_id: spec.taskId,
    session_id: spec.sessionId,
    queue_position: facts.queuePosition,
    predicted_start_ms: facts.predictedStartMs,
    predicted_start: predictedStartOf(facts.predictedStart),
    streams: streamsOf(spec.taskId),
    preparation: { steps: facts.preparation },
  };
}
