import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ChoiceField, IdField } from '../http/fields';
import { PageQuery } from '../http/page';
import type { ArtifactInfo } from './artifact-store.port';

const kinds = ['document', 'transcript'] as const satisfies readonly ArtifactInfo['kind'][];

export class ArtifactListQuery extends PageQuery {
  @ChoiceField({ description: 'Only this kind.', values: kinds, optional: true })
  kind?: ArtifactInfo['kind'];

  @IdField({ description: 'Only artifacts of this task.', optional: true })
  task_id?: string;
}

export class ArtifactCreatedDto {
  @ApiProperty({ description: 'Lower-case hex SHA-256 of the canonical document.' }) id!: string;
}

export class ArtifactInfoDto {
  @ApiProperty({ description: 'Lower-case hex SHA-256 of the canonical document.' }) id!: string;
  @ApiProperty({ enum: kinds }) kind!: ArtifactInfo['kind'];
  @ApiPropertyOptional({
    description: 'The task whose transcript it is; the latest, where several tasks had the same.',
  })
  task_id?: string;
  @ApiProperty({ description: 'Milliseconds since 1970.' }) created_ms!: number;
  @ApiProperty({ description: 'Length of the canonical document.' }) bytes!: number;
}

export class ArtifactPageDto {
  @ApiProperty({ type: [ArtifactInfoDto] }) items!: readonly ArtifactInfoDto[];
  @ApiPropertyOptional({ description: 'Absent on the last page.' }) next_cursor?: string;
}

export function toArtifactInfoDto({ id, kind, taskId, createdAtMs, bytes }: ArtifactInfo): ArtifactInfoDto {
  return { id, kind, ...(taskId !== undefined && { task_id: taskId }), created_ms: createdAtMs, bytes };
}
