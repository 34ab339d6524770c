import { ServiceError } from '../../errors/service-error';
import type { EngineModel, EngineProbe } from '../engine-adapter.port';
import type { LlamaServer, ServerProps } from './llama-server';

/** Loaded models of a router that are asked one by one. */
const MAX_MODELS_ASKED = 32;
const workloads = ['completion'];
const features = ['streaming', 'cancel', 'seed', 'kv-cache'];

/** Asks a llama.cpp server how it is: health first, then what it has. */
export async function probeServer(server: LlamaServer): Promise<EngineProbe> {
  try {
    await server.health();
    const props = await server.props();
    return props.isRouter ? await probeRouter(server, props) : await probeSingle(server, props);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { state: error.code === 'ENGINE_BUSY' ? 'loading' : 'unreachable', reason: error.message };
  }
}

async function probeSingle(server: LlamaServer, props: ServerProps): Promise<EngineProbe> {
  const { version, slotsTotal = 1, ctxMax, modelNames } = props;
  const slotsBusy = await server.busySlots();
  const [loadedModel] = modelNames;
  return {
    state: 'ready',
    slotsTotal,
    ...(slotsBusy !== undefined && { slotsBusy }),
    ...(version !== undefined && { engineVersion: version }),
    ...(ctxMax !== undefined && { ctxMax }),
    ...(loadedModel !== undefined && { loadedModel }),
    supportedWorkloads: workloads,
    features,
  };
}

async function probeRouter(
  server: LlamaServer,
  { version, autoload, maxInstances }: ServerProps,
): Promise<EngineProbe> {
  const models = await server.models();
  const loaded = models.filter(({ state }) => state === 'loaded').slice(0, MAX_MODELS_ASKED);
  const servers = (await Promise.all(loaded.map(model => askModel(server, model)))).filter(one => one !== undefined);
  // A model that is not loaded yet has at least the slot of the request that loads it.
  const toCome = autoload ? Math.max(maxInstances - servers.length, servers.length === 0 ? 1 : 0) : 0;
  const ctxMax = Math.max(0, ...servers.map(one => one.ctxMax ?? 0));
  return {
    state: 'ready',
    slotsTotal: toCome + sum(servers.map(one => one.slotsTotal)),
    slotsBusy: sum(servers.map(one => one.slotsBusy)),
    models,
    ...(version !== undefined && { engineVersion: version }),
    ...(ctxMax > 0 && { ctxMax }),
    supportedWorkloads: workloads,
    features: [...features, 'model-loading'],
  };
}

interface ModelFacts {
  readonly slotsTotal: number;
  readonly slotsBusy: number;
  readonly ctxMax: number | undefined;
}

/** Undefined where the model was unloaded meanwhile, or its process does not answer. */
async function askModel(server: LlamaServer, { id }: EngineModel): Promise<ModelFacts | undefined> {
  try {
    const [{ slotsTotal = 1, ctxMax }, slotsBusy = 0] = await Promise.all([server.props(id), server.busySlots(id)]);
    return { slotsTotal, slotsBusy, ctxMax };
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
