import type { ModelBar } from '../../catalog/model-bar';
import type { EngineModel } from '../../engines/engine-adapter.port';
import { goesBy } from '../../engines/model-names';
import type { ReplicaStatus } from '../registry/pool';

/** What a task wants of the model that runs it. */
export interface ModelWish {
  /** Any of these names will do; undefined: any model will. */
  readonly names?: readonly string[];
  /** The least context of a slot, in tokens. */
  readonly ctx?: number;
  /** Why a model may not be used, where it may not. */
  readonly barOn?: (model: EngineModel) => ModelBar | undefined;
}

/** Why a replica cannot serve a wish: in this order, the first is what is worth telling. */
export const shortfalls = ['failed', 'small', 'unnamed', 'barred', 'absent'] as const;
export type Shortfall = (typeof shortfalls)[number];

/**
 * The model that would run a task on a replica; `model` is undefined where none need be named (it was never ready and nobody
 * knows what it has, or it declares none and the task asks for none). Otherwise why there is none:
 * - `failed` the one that is meant could not be loaded a short while ago;
 * - `small` the slots of those that are meant are too small: `ctxMax` is the largest;
 * - `unnamed` the task names none, none is loaded, and there are several to choose from;
 * - `barred` the catalogue forbids the one that is meant: `bar` says why;
 * - `absent` it has no such model, or has it unloaded and loads nothing by itself.
 */
export type ModelChoice =
  | { readonly ok: true; readonly model?: EngineModel }
  | {
      readonly ok: false;
      readonly why: Shortfall;
      readonly model?: EngineModel;
      readonly ctxMax?: number;
      readonly bar?: ModelBar;
    };

export function chooseModel({ names, ctx, barOn }: ModelWish, replica: ReplicaStatus): ModelChoice {
  const { models } = replica;
  const hasRoom = (ctxMax: number | undefined): boolean => ctx === undefined || ctxMax === undefined || ctxMax >= ctx;
  if (models === undefined || (models.length === 0 && names === undefined)) {
    return hasRoom(replica.ctxMax) ? { ok: true } : tooSmall([replica.ctxMax]);
  }
  const meant = names === undefined ? models : models.filter(model => goesBy(model, names));
  const able = meant.filter(model => canServe(model, replica));
  const usable = barOn ? able.filter(model => barOn(model) === undefined) : able;
  if (usable.length === 0 && able[0]) return barred(barOn?.(able[0]));
  const failed = meant.find(({ state }) => state === 'failed');
  if (usable.length === 0) return failed ? { ok: false, why: 'failed', model: failed } : { ok: false, why: 'absent' };
  const contextOf = (model: EngineModel): number | undefined => model.ctxMax ?? ownContext(model, replica);
  const roomy = usable.filter(model => hasRoom(contextOf(model)));
  if (roomy.length === 0) return tooSmall(usable.map(contextOf));
  const ready = roomy.find(({ state }) => state === 'loaded') ?? roomy.find(({ state }) => state === 'loading');
  const [only] = roomy;
  const model = ready ?? (names !== undefined || roomy.length === 1 ? only : undefined);
  return model ? { ok: true, model } : { ok: false, why: 'unnamed' };
}

/** Whether a request that names the model gets an answer from it, after loading it where need be. */
export function canServe({ state }: EngineModel, { features }: ReplicaStatus): boolean {
  return state === 'loaded' || state === 'loading' || (state === 'unloaded' && features.includes('model-loading'));
}

/** What a replica says of its slots holds for a model where that is the only one. */
function ownContext({ state }: EngineModel, { models, ctxMax }: ReplicaStatus): number | undefined {
  return models?.length === 1 && state === 'loaded' ? ctxMax : undefined;
}

function barred(bar: ModelBar | undefined): ModelChoice {
  return { ok: false, why: 'barred', ...(bar && { bar }) };
}

function tooSmall(contexts: readonly (number | undefined)[]): ModelChoice {
  return { ok: false, why: 'small', ctxMax: Math.max(...contexts.map(ctxMax => ctxMax ?? 0)) };
}
