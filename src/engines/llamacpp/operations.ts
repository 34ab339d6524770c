import { ServiceError } from '../../errors/service-error';
import type { EngineOutcome } from '../engine-adapter.port';
import { reasonOf } from './llamacpp-error';
import type { LlamaServer } from './llama-server';

const done: EngineOutcome = { ok: true };

/** Loads a model into a router. A server with one model has that model and no other. */
export function loadModel(server: LlamaServer, model: string): Promise<EngineOutcome> {
  return outcomeOf(async () => {
    const props = await server.props();
    if (!props.isRouter) {
      const has = props.modelNames.includes(model) || (await server.models()).some(({ id }) => id === model);
      return has
        ? done
        : unsupported(`This llama.cpp server serves ${props.modelNames[0] ?? 'one model'} and cannot change it.`);
    }
    const { status, json } = await server.post('/models/load', { model });
    if (status === 404) return refused(`The engine has no model ${model}.`);
    // It also refuses what it has loaded, or is loading, already: so what counts is the state that follows.
    const state = await server.modelAfter(model, ['loading']);
    return state === 'loaded' ? done : refused(reasonOf(json) ?? `The engine could not load ${model}.`);
  });
}

/** Unloads a model from a router, whose list names it as loaded until its process has gone. */
export function unloadModel(server: LlamaServer, model: string): Promise<EngineOutcome> {
  return outcomeOf(async () => {
    const { isRouter } = await server.props();
    if (!isRouter) return unsupported('This llama.cpp server has one model and cannot unload it.');
    const { status, json } = await server.post('/models/unload', { model });
    if (status === 404) return refused(`The engine has no model ${model}.`);
    // It also refuses what is not loaded.
    const state = await server.modelAfter(model, status === 200 ? ['loaded', 'loading'] : []);
    return state === 'unloaded' || state === 'failed' ? done : refused(reasonOf(json) ?? `The engine kept ${model}.`);
  });
}

/** Erases every slot of the server, or of each loaded model of a router. A busy slot is erased when its run is over. */
export function eraseSlots(server: LlamaServer): Promise<EngineOutcome> {
  return outcomeOf(async () => {
    const props = await server.props();
    if (!props.isRouter) return eraseSlotsOf(server, props.slotsTotal);
    for (const { id, state } of await server.models()) {
      if (state !== 'loaded') continue;
      const outcome = await eraseSlotsOf(server, (await server.props(id)).slotsTotal, id);
      if (!outcome.ok) return outcome;
    }
    return done;
  });
}

async function eraseSlotsOf(server: LlamaServer, slots = 0, model?: string): Promise<EngineOutcome> {
  for (let slot = 0; slot < slots; slot++) {
    const { status, json } = await server.post(`/slots/${slot}?action=erase`, { model });
    if (status === 501) return unsupported(reasonOf(json) ?? 'This llama.cpp server cannot erase slots.');
    if (status !== 200) return refused(reasonOf(json) ?? `Slot ${slot} could not be erased.`);
  }
  return done;
}

/** An engine that cannot be reached, or does not answer in time, is an outcome too. */
async function outcomeOf(work: () => Promise<EngineOutcome>): Promise<EngineOutcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ServiceError) return refused(error.message);
    throw error;
  }
}

function refused(reason: string): EngineOutcome {
  return { ok: false, unsupported: false, reason };
}

function unsupported(reason: string): EngineOutcome {
  return { ok: false, unsupported: true, reason };
}
