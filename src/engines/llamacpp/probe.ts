import { ServiceError } from '../../errors/service-error';
import type { EngineModel, EngineProbe, Operation, SlotQuestion } from '../engine-adapter.port';
import type { LlamaServer, ServerProps } from './llama-server';
import { singleModel } from './single-model';

/** Loaded models of a router that are asked one by one. */
const MAX_MODELS_ASKED = 32;
/** A router's models may be of any kind. */
const allWorkloads: readonly Operation[] = ['completion', 'chat', 'embedding', 'rerank'];
const features = ['streaming', 'cancel', 'seed', 'kv-cache'];

/** What a server does, by what it says of itself: asked for once. */
export type KnownWorkloads = (key: string, look: () => Promise<readonly Operation[]>) => Promise<readonly Operation[]>;

/**
 * Asks a llama.cpp server how it is: health first, then what it has. Health is answered whatever the server is at; what only comes
 * between two batches (`/slots`, for one) can take as long as a batch does.
 */
export async function probeServer(
  server: LlamaServer,
  slots: SlotQuestion,
  workloads: KnownWorkloads,
): Promise<EngineProbe> {
  let isHealthy = false;
  try {
    await server.health();
    isHealthy = true;
    const props = await server.props();
    return props.isRouter
      ? await probeRouter(server, props, slots)
      : await probeSingle(server, props, slots, workloads);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (isHealthy && error.code === 'DECODE_TIMEOUT') return { state: 'busy', reason: 'The engine is busy.' };
    return { state: error.code === 'ENGINE_BUSY' ? 'loading' : 'unreachable', reason: error.message };
  }
}

async function probeSingle(
  server: LlamaServer,
  props: ServerProps,
  slots: SlotQuestion,
  workloads: KnownWorkloads,
): Promise<EngineProbe> {
  const { version, slotsTotal = 1, ctxMax, isSleeping } = props;
  const models = await singleModel(server, props);
  const [own] = models;
  return {
    state: 'ready',
    slotsTotal,
    ...(await slotsOf(server, slots, isSleeping)),
    ...(isSleeping !== undefined && { sleeping: isSleeping }),
    ...(version !== undefined && { engineVersion: version }),
    ...(ctxMax !== undefined && { ctxMax }),
    models,
    ...(own && { loadedModel: own.id }),
    supportedWorkloads: await workloads(`${version ?? ''} ${own?.id ?? ''}`, async () =>
      // One that sleeps is not woken to say so.
      isSleeping === true ? allWorkloads : server.workloads(),
    ),
    features,
  };
}

/** One that sleeps has nothing to do, and is not woken to say so. */
async function slotsOf(
  server: LlamaServer,
  slots: SlotQuestion,
  isSleeping = false,
): Promise<Pick<EngineProbe, 'slotsBusy' | 'slotsUnasked'>> {
  if (isSleeping) return { slotsBusy: 0 };
  if (slots === 'spare') return { slotsUnasked: true };
  const slotsBusy = await server.busySlots();
  return slotsBusy === undefined ? {} : { slotsBusy };
}

async function probeRouter(
  server: LlamaServer,
  { version, autoload, maxInstances }: ServerProps,
  slots: SlotQuestion,
): Promise<EngineProbe> {
  const listed = await server.models();
  const loaded = listed.filter(({ state }) => state === 'loaded').slice(0, MAX_MODELS_ASKED);
  const facts = new Map(
    await Promise.all(loaded.map(async model => [model.id, await askModel(server, model, slots)] as const)),
  );
  const servers = [...facts.values()].filter(one => one !== undefined);
  // A model that is not loaded yet has at least the slot of the request that loads it.
  const toCome = autoload ? Math.max(maxInstances - servers.length, servers.length === 0 ? 1 : 0) : 0;
  const models = listed.map(model => ({ ...model, ...contextOf(facts.get(model.id)) }));
  const ctxMax = Math.max(0, ...models.map(model => model.ctxMax ?? 0));
  const [first] = loaded;
  return {
    state: 'ready',
    slotsTotal: toCome + sum(servers.map(one => one.slotsTotal)),
    ...(slots === 'ask' ? { slotsBusy: sum(servers.map(one => one.slotsBusy)) } : { slotsUnasked: true }),
    ...(servers.length > 0 && { sleeping: servers.every(one => one.isSleeping) }),
    models,
    ...(first && { loadedModel: first.id }),
    ...(version !== undefined && { engineVersion: version }),
    ...(ctxMax > 0 && { ctxMax }),
    supportedWorkloads: allWorkloads,
    features: autoload ? [...features, 'model-loading'] : features,
  };
}

function contextOf(facts: ModelFacts | undefined): Pick<EngineModel, 'ctxMax'> {
  return facts?.ctxMax === undefined ? {} : { ctxMax: facts.ctxMax };
}

interface ModelFacts {
  readonly slotsTotal: number;
  readonly slotsBusy: number;
  readonly isSleeping: boolean;
  readonly ctxMax: number | undefined;
}

/** Undefined where the model was unloaded meanwhile, or its process does not answer. */
async function askModel(
  server: LlamaServer,
  { id }: EngineModel,
  slots: SlotQuestion,
): Promise<ModelFacts | undefined> {
  try {
    const { slotsTotal = 1, ctxMax, isSleeping = false } = await server.props(id);
    const slotsBusy = isSleeping || slots === 'spare' ? 0 : ((await server.busySlots(id)) ?? 0);
    return { slotsTotal, slotsBusy, isSleeping, ctxMax };
  } catch (error) {
    if (error instanceof ServiceError && error.code !== 'DECODE_TIMEOUT') return undefined;
    throw error;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
