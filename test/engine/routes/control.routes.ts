import type { Controls, EngineCore } from '../engine-core';
import { readFaults, type FaultSettings } from '../faults';
import { WireError } from '../wire-error';
import type { Routes } from './routes';

/** What `/__control` takes; what is left out stays as it is. `faults` replaces the whole set. */
export type ControlChange = Partial<Controls> & { readonly faults?: FaultSettings };

/** What `/__control` answers. A fault without end stands as `true`. */
export interface ControlState extends Readonly<Controls> {
  readonly faults: Readonly<Record<string, number | true>>;
}

/** Not llama.cpp's: how a test looks into the engine and turns its switches. They answer in every state of the engine. */
export function controlRoutes(core: EngineCore): Routes {
  return {
    'GET /__stats': exchange => exchange.sendJson(200, core.ledger.stats()),
    'GET /__control': exchange => exchange.sendJson(200, controlState(core)),
    'POST /__control': exchange => {
      let change: ControlChange;
      try {
        change = readChange((exchange.json() ?? {}) as Record<string, unknown>);
      } catch (error) {
        throw new WireError(400, { error: { message: (error as Error).message } });
      }
      applyControl(core, change);
      exchange.sendJson(200, controlState(core));
    },
  };
}

export function applyControl(
  { controls, faults, ledger }: EngineCore,
  { faults: wanted, ...change }: ControlChange,
): void {
  Object.assign(controls, change);
  if (wanted) faults.replace(wanted);
  ledger.changed();
}

export function controlState({ controls, faults }: EngineCore): ControlState {
  const shown = Object.entries(faults.settings).map(
    ([name, value]) => [name, value === Infinity ? true : value] as const,
  );
  return { ...controls, faults: Object.fromEntries(shown) };
}

function readChange({
  faults,
  loading,
  tokensPerSecond,
  prefillMs,
  noticeMs,
  brokenModels,
  ...rest
}: Readonly<Record<string, unknown>>): ControlChange {
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new Error(
      `unknown control "${unknown}"; known: faults, loading, tokensPerSecond, prefillMs, noticeMs, brokenModels`,
    );
  if (loading !== undefined && typeof loading !== 'boolean') throw new Error('loading must be true or false');
  return {
    ...(faults !== undefined && { faults: readFaults(faults) }),
    ...(loading !== undefined && { loading }),
    ...(tokensPerSecond !== undefined && { tokensPerSecond: amount('tokensPerSecond', tokensPerSecond) }),
    ...(brokenModels !== undefined && { brokenModels: namesIn(brokenModels) }),
    ...(prefillMs !== undefined && { prefillMs: amount('prefillMs', prefillMs) }),
    ...(noticeMs !== undefined && { noticeMs: amount('noticeMs', noticeMs) }),
  };
}

function amount(name: string, value: unknown): number {
  if (typeof value !== 'number' || value < 0) throw new Error(`${name} must be a number, 0 or more`);
  return value;
}

function namesIn(value: unknown): readonly string[] {
  if (!Array.isArray(value) || !value.every(name => typeof name === 'string'))
    throw new Error('brokenModels must be an array of names');
  return value;
}
