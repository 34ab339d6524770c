import type { EngineProbe } from '../engine-adapter.port';
import { engineError } from '../wire/engine-error';
import { integerOf, itemsOf, lineOf, membersOf } from '../wire/engine-json';
import { factsOf, probeOf, type OpenaiServer } from '../wire/openai/openai-server';

const SMALL_BYTES = 64 * 1024;
const LOADS_BYTES = 1024 * 1024;
const SERVER_INFO_BYTES = 1024 * 1024;
/** Of data parallelism. */
const MAX_RANKS = 1024;
const MAX_SLOTS = 4096;
const VERSION_CHARS = 128;

/**
 * Asks an SGLang server how it is, and not by `/health`, which takes a second or more, for it has the engine generate a token each time:
 * `/ready` is a flag, and `/v1/loads` has what the scheduler says. Versions that lack these are asked for their health after all.
 * Figures that do not move while requests run are what tells that the engine stands still.
 */
export function probeSglang(
  server: OpenaiServer,
  nature: (key: string, look: () => Promise<SglangNature>) => Promise<SglangNature>,
  standsStill: (load: SglangLoad) => string | undefined,
): Promise<EngineProbe> {
  return probeOf(async () => {
    const ready = await server.get('/ready', SMALL_BYTES);
    const { status, json } = ready.status === 404 ? await server.get('/health', SMALL_BYTES) : ready;
    if (status !== 200)
      throw engineError('sglang', status, json ?? { message: 'The engine says that it is not ready.' });
    const models = await server.models();
    const loads = await server.get('/v1/loads?include=core', LOADS_BYTES);
    const load = loads.status === 200 ? loadIn(loads.json) : {};
    const reason = standsStill(load);
    if (reason !== undefined) return { state: 'unreachable', reason };
    const version = lineOf(membersOf(loads.json)['version'], VERSION_CHARS);
    const { steps: _steps, ...shown } = load;
    const key = `${version ?? ''} ${models.map(({ id }) => id).join(' ')}`;
    const { generates } = await nature(key, () => natureOf(server));
    return {
      state: 'ready',
      ...factsOf(models),
      ...shown,
      ...(version !== undefined && { engineVersion: version }),
      supportedWorkloads: generates ? ['completion', 'chat'] : ['embedding', 'rerank'],
      features: ['streaming', 'cancel', 'seed', 'kv-cache'],
    };
  });
}

export interface SglangLoad extends Pick<
  EngineProbe,
  'running' | 'waiting' | 'slotsTotal' | 'slotsBusy' | 'kvUsageRatio'
> {
  readonly steps?: number;
}

/** An entry for each rank. */
function loadIn(answer: unknown): SglangLoad {
  const ranks = itemsOf(membersOf(answer)['loads'], MAX_RANKS).map(membersOf);
  if (ranks.length === 0) return {};
  const sum = (name: string) => ranks.reduce((all, rank) => all + (integerOf(rank[name]) ?? 0), 0);
  const [running, waiting, slots] = [sum('num_running_reqs'), sum('num_waiting_reqs'), sum('max_running_requests')];
  const looks = ranks.map(rank => rank['timestamp']).filter(value => typeof value === 'number');
  const ratios = ranks.map(rank => rank['token_usage']).filter(value => typeof value === 'number' && value >= 0);
  return {
    running,
    waiting,
    slotsBusy: running + waiting,
    // When each scheduler last wrote its figures down, which it does as it goes.
    ...(looks.length > 0 && { steps: Math.round(1000 * Math.max(...looks)) }),
    ...(slots > 0 && { slotsTotal: Math.min(slots, MAX_SLOTS) }),
    ...(ratios.length > 0 && { kvUsageRatio: Math.min(1, Math.max(...(ratios as number[]))) }),
  };
}

/** What a server says of itself that does not change while it runs. */
export interface SglangNature {
  /** Its routes are there whatever its model is for. */
  readonly generates: boolean;
  /** Whose `priority` goes first; undefined where it goes by arrival, and may refuse a request that names one. */
  readonly first?: 'larger' | 'smaller';
}

async function natureOf(server: OpenaiServer): Promise<SglangNature> {
  const { status, json } = await server.get('/model_info', SMALL_BYTES);
  const generates = status !== 200 || membersOf(json)['is_generation'] !== false;
  const told = await server.get('/server_info', SERVER_INFO_BYTES);
  const { enable_priority_scheduling: orders, schedule_low_priority_values_first: isTurned } = membersOf(
    told.status === 200 ? told.json : undefined,
  );
  return { generates, ...(orders === true && { first: isTurned === true ? 'smaller' : 'larger' }) };
}
