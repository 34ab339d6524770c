import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { BooleanField, IntField, TextField, TextListField } from '../http/fields';
import { bindingSources } from './pool';
import type { PurgeOrder } from './purge-steps';
import type { ReloadResult } from './reload.service';

const DAY_MS = 86_400_000;
const MAX_MODELS = 64;
const MODEL_REF_CHARS = 256;
export const DRAIN_DEADLINE_DEFAULT_MS = 30_000;

export class DrainDto {
  @IntField({
    description: `Milliseconds after which what still runs is ended; ${DRAIN_DEADLINE_DEFAULT_MS} when absent.`,
    min: 1,
    max: DAY_MS,
    optional: true,
  })
  deadline_ms?: number | null;
}

export class DrainingDto {
  @ApiProperty() pool_id!: string;
  @ApiProperty() draining!: boolean;
}

export class ReloadDto {
  @TextField({ description: 'The model to load.', minLength: 1, maxLength: MODEL_REF_CHARS })
  new_model_ref!: string;
}

/** Other fields may be there too. */
export class PurgeDto {
  @BooleanField({ description: "Erase the engines' KV slots; true when absent.", optional: true })
  purge_engine?: boolean | null;

  @TextListField({ description: 'Models to unload.', maxItems: MAX_MODELS, maxLength: MODEL_REF_CHARS, optional: true })
  purge_models?: string[] | null;

  @BooleanField({ description: 'Drain the pool first and take it back afterwards.', optional: true })
  drain_first?: boolean | null;

  @BooleanField({ description: 'Delete the cached files of those models under the model directory.', optional: true })
  delete_cache_dirs?: boolean | null;

  @BooleanField({ description: 'End what runs on the pool, rather than wait for it.', optional: true })
  force?: boolean | null;
}

export class PurgeAcceptedDto {
  @ApiProperty() pool_id!: string;
  @ApiProperty() accepted!: boolean;
}

export class ReplicaDto {
  @ApiProperty() replica_id!: string;
  @ApiProperty() engine!: string;
  @ApiProperty() engine_version!: string;
  @ApiProperty({ enum: bindingSources }) source!: string;
  @ApiProperty() live!: boolean;
  @ApiProperty() ready!: boolean;
  @ApiProperty({ description: 'It takes no new task and goes when its last one has ended.' }) leaving!: boolean;
  @ApiProperty({ description: '0 until it was ready for the first time.' }) slots_total!: number;
  @ApiProperty() slots_free!: number;
  @ApiProperty() running!: number;
  @ApiPropertyOptional() ctx_max?: number;
  @ApiPropertyOptional({ type: [String] }) models?: string[];
  @ApiPropertyOptional() loaded_model?: string;
  @ApiPropertyOptional() device_mask?: string;
  @ApiProperty({ type: String, nullable: true, description: 'Why it is not ready.' }) last_error!: string | null;
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
  @ApiPropertyOptional({ description: 'What the last purge did, and what was not possible.', type: Object })
  last_purge?: unknown;
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

export function toPurgeOrder(body: PurgeDto): PurgeOrder {
  return {
    purgeEngine: body.purge_engine ?? true,
    purgeModels: [...new Set(body.purge_models ?? [])],
    drainFirst: body.drain_first ?? false,
    deleteCacheDirs: body.delete_cache_dirs ?? false,
    force: body.force ?? false,
  };
}
