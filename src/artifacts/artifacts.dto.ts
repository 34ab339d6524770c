import { AnswerChoice, AnswerCount, AnswerHash, AnswerId, AnswerTime } from '../http/fields/answer-fields';
import { ChoiceField, IdField } from '../http/fields/fields';
import { CursorField, PageQuery, timeCursorPattern } from '../http/fields/page';
import type { ArtifactInfo } from './artifact-store.port';

const kinds = ['document', 'transcript'] as const satisfies readonly ArtifactInfo['kind'][];

export class ArtifactListQuery extends PageQuery {
  @CursorField(timeCursorPattern(/^[0-9a-f]{64}$/))
  cursor?: string;

  @ChoiceField({ description: 'Only this kind.', values: kinds, optional: true })
  kind?: ArtifactInfo['kind'];

  @IdField({ description: 'Only artifacts of this task.', optional: true })
  task_id?: string;
}

export class ArtifactCreatedView {
  @AnswerHash('Lower-case hex SHA-256 of the canonical document.') id!: string;
}

export class ArtifactInfoView {
  @AnswerHash('Lower-case hex SHA-256 of the canonical document.') id!: string;
  @AnswerChoice('What it is: a document of a client, or the transcript of a task.', kinds) kind!: ArtifactInfo['kind'];
  @AnswerId('The task whose transcript it is; the latest, where several tasks had the same.', { optional: true })
  task_id?: string;
  @AnswerTime('When it was stored.') created_ms!: number;
  @AnswerCount('Length of the canonical document in bytes.') bytes!: number;
}

export function toArtifactInfoView({ id, kind, taskId, createdAtMs, bytes }: ArtifactInfo): ArtifactInfoView {
  return { id, kind, ...(taskId !== undefined && { task_id: taskId }), created_ms: createdAtMs, bytes };
}
