import {
  AnswerChoice,
  AnswerCount,
  AnswerFlag,
  AnswerId,
  AnswerPart,
  AnswerParts,
  AnswerText,
  AnswerTexts,
  AnswerTime,
} from '../http/fields/answer-fields';
import { BooleanField, IntField, TextField, TextListField } from '../http/fields/fields';
import { SchemaKeywords } from '../http/documents/schemas';
import { WarningsView } from '../http/fields/unknown-members';
import { bindingSources } from './registry/pool';
import type { PurgeOrder } from './operations/purge-steps';
import type { ReloadResult } from './operations/reload.service';

const DAY_MS = 86_400_000;
const MAX_MODELS = 64;
const MODEL_REF_CHARS = 256;
export const DRAIN_DEADLINE_DEFAULT_MS = 30_000;

@SchemaKeywords({ nullable: true, example: { deadline_ms: 30_000 } })
export class DrainDto {
  @IntField({
    description: `Milliseconds after which what still runs is ended; ${DRAIN_DEADLINE_DEFAULT_MS} when absent.`,
    min: 1,
    max: DAY_MS,
    optional: true,
  })
  deadline_ms?: number | null;
}

export class DrainingView extends WarningsView {
  @AnswerId('The pool.') pool_id!: string;
  @AnswerFlag('It takes no new task.') draining!: boolean;
}

@SchemaKeywords({ example: { new_model_ref: 'llama-3-8b' } })
export class ReloadDto {
  @TextField({ description: 'The model to load.', minLength: 1, maxLength: MODEL_REF_CHARS })
  new_model_ref!: string;
}

/** Other fields may be there too. */
@SchemaKeywords({ nullable: true, example: { purge_engine: true, drain_first: true } })
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

export class PurgeAcceptedView extends WarningsView {
  @AnswerId('The pool.') pool_id!: string;
  @AnswerFlag('Always true.') accepted!: boolean;
}

export class FailedModelView {
  @AnswerText('The model.') model!: string;
  @AnswerText('Why, in the words of its engine.') reason!: string;
}

export class ReplicaView {
  @AnswerId('Its name within the pool.') replica_id!: string;
  @AnswerId('Kind of engine.') engine!: string;
  @AnswerText('Version of the engine, by its own word; empty while that is not known.') engine_version!: string;
  @AnswerChoice('Who bound it.', bindingSources) source!: string;
  @AnswerFlag('Its engine answered the last probe.') live!: boolean;
  @AnswerFlag('Its engine can take work.') ready!: boolean;
  @AnswerFlag('It takes no new task and goes when its last one has ended.') leaving!: boolean;
  @AnswerCount('How many tasks it can run at once; 0 until it was ready for the first time.') slots_total!: number;
  @AnswerCount('How many more it could take now, by what runs here and what the engine reports.') slots_free!: number;
  @AnswerCount('Tasks that run on it.') running!: number;
  @AnswerCount('Slots whose task is over or went elsewhere, and that the engine is still busy with.')
  releasing!: number;
  @AnswerFlag(
    'It gave its memory back and loads its model again for the next task; absent where an engine never does.',
    {
      optional: true,
    },
  )
  sleeping?: boolean;
  @AnswerCount('Context of one slot, in tokens.', { optional: true }) ctx_max?: number;
  @AnswerTexts('Models that tasks may name; absent until its engine was ready once.', { optional: true })
  models?: string[];
  @AnswerParts('Models that could not be loaded a short while ago; they are tried again.', FailedModelView, {
    optional: true,
  })
  failed_models?: FailedModelView[];
  @AnswerText('The model that a task gets which names none.', { optional: true }) loaded_model?: string;
  @AnswerFlag('Its engine is sent a key of its own.') api_key_set!: boolean;
  @AnswerText('Devices it uses, as its registration says.', { optional: true }) device_mask?: string;
  @AnswerText('Why it is not ready; null where nothing is wrong.', { nullable: true }) last_error!: string | null;
  @AnswerTime('When it was bound.') bound_ms!: number;
  @AnswerTime('When its engine last answered a probe.', { optional: true }) last_seen_ms?: number;
}

/** Absent, all of them, for a pool that is not known. */
export class PoolMetricsView {
  @AnswerCount('Tasks that wait and may use the pool.', { optional: true }) queue_depth?: number;
  @AnswerCount('How many tasks its replicas can run at once.', { optional: true }) slots_total?: number;
  @AnswerCount('How many more they could take now.', { optional: true }) slots_free?: number;
  @AnswerCount('Tasks that run on it.', { optional: true }) running?: number;
  @AnswerCount('Slots whose task is over, and that engines are still busy with.', { optional: true })
  releasing?: number;
}

export class PurgeStepView {
  @AnswerText('What was to be done.') step!: string;
  @AnswerFlag('Whether it was.') done!: boolean;
  @AnswerText('Why not.', { optional: true }) reason?: string;
}

class PurgeReportView {
  @AnswerTime('When it began.') started_ms!: number;
  @AnswerTime('When it was over.') ended_ms!: number;
  @AnswerCount('How many steps there were.') steps_total!: number;
  @AnswerCount('How many of them were not possible.') steps_not_done!: number;
  @AnswerParts('The first of them.', PurgeStepView) steps!: readonly PurgeStepView[];
}

export class PoolHealthView {
  @AnswerFlag('One of its replicas is live.') live!: boolean;
  @AnswerFlag('One of its replicas can take work.') ready!: boolean;
  @AnswerFlag('It takes no new task.') draining!: boolean;
  @AnswerPart('Empty for a pool that is not known.', PoolMetricsView) metrics!: PoolMetricsView;
  @AnswerText('Why it is not ready; null where nothing is wrong.', { nullable: true }) last_error!: string | null;
  @AnswerParts('Its replicas.', ReplicaView) replicas!: ReplicaView[];
}

export class PoolView extends PoolHealthView {
  @AnswerId('The pool.') pool_id!: string;
  @AnswerFlag('Its model is being swapped.') reloading!: boolean;
  @AnswerPart('What the last purge did, and what was not possible.', PurgeReportView, { optional: true })
  last_purge?: unknown;
}

export class ReloadedView extends WarningsView {
  @AnswerId('The pool.') pool_id!: string;
  @AnswerText('The model that was loaded before; null where none was.', { nullable: true })
  old_model_ref!: string | null;
  @AnswerText('The model that is loaded now.') new_model_ref!: string;
  @AnswerTexts('The replicas that have it.') replicas!: readonly string[];
}

export function toReloadedView(poolId: string, { oldModelRef, newModelRef, replicas }: ReloadResult): ReloadedView {
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
