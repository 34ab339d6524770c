import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ChoiceField, IdField } from '../http/fields';
import { PageQuery } from '../http/page';
import type { ArtifactInfo } from './artifact-store.port';

export class ArtifactListQuery extends PageQuery {
  @ChoiceField({ description: 'Only this kind.', values: ['document', 'transcript'], optional: true })
  kind?: ArtifactInfo['kind'];

  @IdField({ description: 'Only artifacts of this task.', optional: true })
  task_id?: string;
}

export class ArtifactCreatedDto {
  @ApiProperty({ description: 'Lower-case hex SHA-256 of the canonical document.' }) id!: string;
}

export class ArtifactInfoDto {
  @ApiProperty() id!: string;
  @ApiProperty({ enum: ['document', 'transcript'] }) kind!: ArtifactInfo['kind'];
  @ApiPropertyOptional() task_id?: string;
  @ApiProperty() created_ms!: number;
  @ApiProperty() bytes!: number;
}

export function toArtifactInfoDto({ id, kind, taskId, createdAtMs, bytes }: ArtifactInfo): ArtifactInfoDto {
  return { id, kind, ...(taskId !== undefined && { task_id: taskId }), created_ms: createdAtMs, bytes };
}
