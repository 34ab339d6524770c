import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { BooleanField, IntField, TextField, TextListField } from '../http/fields';
import type { ReloadResult } from './reload.service';

const DAY_MS = 86_400_000;

export class DrainDto {
  @IntField({ description: 'Milliseconds after which what still runs is ended.', min: 0, max: DAY_MS, optional: true })
  deadline_ms: number = 30_000;
}

export class ReloadDto {
  @TextField({ description: 'The model to load.', minLength: 1, maxLength: 256 })
  new_model_ref!: string;
}

export class PurgeDto {
  @BooleanField({ description: "Erase the engine's KV slots.", optional: true })
  purge_engine: boolean = true;

  @TextListField({ description: 'Models to unload.', maxItems: 64, maxLength: 256, optional: true })
  purge_models: string[] = [];

  @BooleanField({ description: 'Drain the pool first and take it back afterwards.', optional: true })
  drain_first: boolean = false;

  @BooleanField({ description: 'Delete cached files of those models under the model directory.', optional: true })
  delete_cache_dirs: boolean = false;

  @BooleanField({ description: 'End running tasks.', optional: true })
  force: boolean = false;
}

export class ReplicaDto {
  @ApiProperty() replica_id!: string;
  @ApiProperty() engine!: string;
  @ApiProperty() engine_version!: string;
  @ApiProperty({ enum: ['config', 'handoff', 'worker', 'journal'] }) source!: string;
  @ApiProperty() live!: boolean;
  @ApiProperty() ready!: boolean;
  @ApiProperty() slots_total!: number;
  @ApiProperty() slots_free!: number;
  @ApiProperty() running!: number;
  @ApiPropertyOptional() ctx_max?: number;
  @ApiPropertyOptional({ type: [String] }) models?: string[];
  @ApiPropertyOptional() loaded_model?: string;
  @ApiPropertyOptional() device_mask?: string;
  @ApiProperty({ type: String, nullable: true }) last_error!: string | null;
  @ApiProperty() bound_ms!: number;
  @ApiPropertyOptional() last_seen_ms?: number;
}

export class PoolHealthDto {
  @ApiProperty() live!: boolean;
  @ApiProperty() ready!: boolean;
  @ApiProperty() draining!: boolean;
  @ApiProperty({ description: '`queue_depth`, `slots_total`, `slots_free`, `running`; empty for an unknown pool.' })
  metrics!: Record<string, number>;
  @ApiProperty({ type: String, nullable: true }) last_error!: string | null;
  @ApiProperty({ type: [ReplicaDto] }) replicas!: ReplicaDto[];
}

export class PoolDto extends PoolHealthDto {
  @ApiProperty() pool_id!: string;
  @ApiProperty() reloading!: boolean;
  @ApiPropertyOptional({ description: 'What the last purge did, and what was not possible.', type: Object }) last_purge?: unknown;
}

export class ReloadedDto {
  @ApiProperty() pool_id!: string;
  @ApiProperty({ type: String, nullable: true }) old_model_ref!: string | null;
  @ApiProperty() new_model_ref!: string;
  @ApiProperty({ type: [String] }) replicas!: readonly string[];
}

export function toReloadedDto(poolId: string, { oldModelRef, newModelRef, replicas }: ReloadResult): ReloadedDto {
  return { pool_id: poolId, old_model_ref: oldModelRef ?? null, new_model_ref: newModelRef, replicas };
}
