import type { EngineOutcome } from '../engine-adapter.port';
import { goesBy } from '../model-names';
import { reasonOf } from '../wire/engine-error';
import { cannot, done, outcomeOf, refused } from '../wire/outcomes';
import type { LlamaServer } from './llama-server';
import { singleModel } from './single-model';

/** Loads a model into a router. A server with one model has that model and no other. */
export function loadModel(server: LlamaServer, name: string): Promise<EngineOutcome> {
  return outcomeOf(async () => {
    const props = await server.props();
    if (!props.isRouter) {
      const [own] = await singleModel(server, props);
      return own && goesBy(own, [name])
        ? done
        : cannot(`This llama.cpp server serves ${own?.id ?? 'one model'} and cannot change it.`);
    }
    const id = await idOf(server, name);
    const { status, json } = await server.post('/models/load', { model: id });
    if (status === 404) return refused(`The engine has no model ${name}.`);
    // It also refuses what it has loaded, or is loading, already: so what counts is the state that follows.
    const model = await server.modelAfter(id, ['loading']);
    if (model?.state === 'loaded') return done;
    return refused(reasonOf(json) ?? model?.reason ?? `The engine could not load ${name}.`);
  });
}

/** Unloads a model from a router, whose list names it as loaded until its process has gone. */
export function unloadModel(server: LlamaServer, name: string): Promise<EngineOutcome> {
  return outcomeOf(async () => {
    const { isRouter } = await server.props();
    if (!isRouter) return cannot('This llama.cpp server has one model and cannot unload it.');
    const id = await idOf(server, name);
    const { status, json } = await server.post('/models/unload', { model: id });
    if (status === 404) return refused(`The engine has no model ${name}.`);
    // It also refuses what is not loaded.
    const model = await server.modelAfter(id, status === 200 ? ['loaded', 'loading'] : []);
    const isGone = model?.state === 'unloaded' || model?.state === 'failed';
    return isGone ? done : refused(reasonOf(json) ?? `The engine kept ${name}.`);
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

/** What a router calls the model; the name itself where it has none of that name, and says so. */
async function idOf(server: LlamaServer, name: string): Promise<string> {
  return (await server.models()).find(model => goesBy(model, [name]))?.id ?? name;
}

async function eraseSlotsOf(server: LlamaServer, slots = 0, model?: string): Promise<EngineOutcome> {
  for (let slot = 0; slot < slots; slot++) {
    const { status, json } = await server.post(`/slots/${slot}?action=erase`, { model });
    if (status === 501) return cannot(reasonOf(json) ?? 'This llama.cpp server cannot erase slots.');
    if (status !== 200) return refused(reasonOf(json) ?? `Slot ${slot} could not be erased.`);
  }
  return done;
}
