import { ServiceError } from '../../errors/service-error';
import type { EngineModel, EngineProbe, EngineTarget } from '../engine-adapter.port';
import type { EngineHttp } from '../wire/engine-http';
import { reasonOf } from './llamacpp-error';

/** More than any server has; past it a report is cut. */
const MAX_MODELS = 1024;
const MAX_SLOTS = 4096;
const MAX_NAME_CHARS = 256;
/** A router runs one child a model and has no slots of its own; this many requests at once are given to it. */
const ROUTER_SLOTS = 4;

/** Asks a llama.cpp server how it is: health first, then what it has. */
export async function probeLlamacpp(http: EngineHttp, target: EngineTarget, signal: AbortSignal): Promise<EngineProbe> {
  try {
    const health = await http.ask(target, 'GET', '/health', signal);
    if (health.status === 503) return { state: 'loading', reason: reasonOf(health.json).reason ?? 'The engine is loading.' };
    if (health.status !== 200) return { state: 'unreachable', reason: `The engine answered its health check with ${health.status}.` };
    const props = record((await http.ask(target, 'GET', '/props', signal)).json);
    return props['role'] === 'router' ? await routerProbe(http, target, signal, props) : await serverProbe(http, target, signal, props);
  } catch (error) {
    if (error instanceof ServiceError) return { state: 'unreachable', reason: error.message };
    throw error;
  }
}

async function serverProbe(
  http: EngineHttp,
  target: EngineTarget,
  signal: AbortSignal,
  props: Record<string, unknown>,
): Promise<EngineProbe> {
  // `--no-slots` answers 501: then only our own leases are known.
  const slots = (await http.ask(target, 'GET', '/slots', signal)).json;
  const busy = Array.isArray(slots) ? slots.filter(slot => record(slot)['is_processing'] === true).length : undefined;
  const total = positive(props['total_slots'], MAX_SLOTS) ?? 1;
  const ctx = positive(record(props['default_generation_settings'])['n_ctx'], Number.MAX_SAFE_INTEGER);
  const model = name(props['model_alias']) ?? name(props['model_path']);
  return {
    state: 'ready',
    slotsTotal: total,
    ...(busy !== undefined && { slotsBusy: busy }),
    ...(ctx !== undefined && { ctxMax: ctx }),
    ...(model !== undefined && { loadedModel: model }),
    ...versionOf(props),
    supportedWorkloads: ['completion'],
    features: ['streaming', 'cancel', 'seed', 'kv-cache'],
  };
}

async function routerProbe(
  http: EngineHttp,
  target: EngineTarget,
  signal: AbortSignal,
  props: Record<string, unknown>,
): Promise<EngineProbe> {
  const models = await routerModels(http, target, signal);
  const slots = (positive(props['max_instances'], MAX_SLOTS) ?? 1) * ROUTER_SLOTS;
  return {
    state: 'ready',
    slotsTotal: slots,
    models,
    ...versionOf(props),
    supportedWorkloads: ['completion'],
    features: ['streaming', 'cancel', 'seed', 'kv-cache', 'model-loading'],
  };
}

/** The models that a router declares, with their states. */
export async function routerModels(http: EngineHttp, target: EngineTarget, signal: AbortSignal): Promise<readonly EngineModel[]> {
  const { data } = record((await http.ask(target, 'GET', '/models', signal)).json) as { data?: unknown };
  const entries = Array.isArray(data) ? data.slice(0, MAX_MODELS) : [];
  return entries.flatMap(entry => {
    const id = name(record(entry)['id']);
    return id === undefined ? [] : [{ id, state: stateOf(record(record(entry)['status'])) }];
  });
}

function stateOf(status: Record<string, unknown>): EngineModel['state'] {
  if (status['failed'] === true) return 'failed';
  const { value } = status;
  return value === 'loaded' || value === 'loading' || value === 'failed' ? value : 'unloaded';
}

function versionOf(props: Record<string, unknown>): { engineVersion?: string } {
  const version = name(props['build_info']);
  return version === undefined ? {} : { engineVersion: version };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function positive(value: unknown, max: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? Math.min(value, max) : undefined;
}

function name(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.replace(/\p{Cc}/gu, '').slice(0, MAX_NAME_CHARS) : undefined;
}
