import { lookup } from 'node:dns';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { EngineDetector } from '../../src/engines/detection/engine-detector';
import type { EngineAdapter, EngineRequest } from '../../src/engines/engine-adapter.port';
import { EngineHttp } from '../../src/engines/wire/engine-http';
import { Alarms } from '../../src/time/alarms';
import { Clock } from '../../src/time/clock';
import { TurnEnd } from '../../src/time/turn-end';
import { startEngine, type RunningEngine } from '../engine/engine';
import type { EngineSettings, WireName } from '../engine/engine-options';
import { LAST_RESORT_MS } from '../support/deadline';
import { adapterOf, chatRequest, collect, engineRequest, filesAsKeys, targetAt } from './adapter-under-test';
import { subjects } from './conformance-subjects';
import { toldReply } from './openai-replies';

const wires: readonly WireName[] = ['openai', 'vllm', 'sglang', 'ollama', 'tgi', 'triton', 'llamacpp'];
const soon = () => AbortSignal.timeout(LAST_RESORT_MS);
const engines: RunningEngine[] = [];

afterEach(() => Promise.all(engines.splice(0).map(engine => engine.stop())));

/** The adapters against the stand-in's other wires: both were made from the same recordings, so each must understand the other. */
describe.each(wires)('%s on the stand-in', wire => {
  const subject = subjects.find(({ name }) => name.split(' ')[0] === wire);
  if (!subject) throw new Error(`there is no adapter for ${wire}`);
  const { adapter, close } = adapterOf<EngineAdapter>(subject.Adapter);
  afterAll(close);

  const start = async (settings: Partial<EngineSettings> = {}) => {
    const engine = await startEngine({ wire, tokensPerSecond: 0, ...settings });
    engines.push(engine);
    const target = targetAt(engine.url);
    const probe = await adapter.probe(target, soon());
    const model = probe.loadedModel ?? probe.models?.[0]?.id;
    return { engine, target, probe, named: model === undefined ? {} : { model } };
  };
  const operations = wire === 'triton' ? (['completion'] as const) : (['completion', 'chat'] as const);
  const requestOf = (operation: 'completion' | 'chat', body: object, named: Partial<EngineRequest>): EngineRequest => {
    const make = operation === 'chat' ? chatRequest : engineRequest;
    return make({ body: body as Record<string, unknown>, ...named });
  };

  it('is ready, and has a model', async () => {
    const { probe, named } = await start();
    expect(probe).toMatchObject({ state: 'ready' });
    expect(named).toHaveProperty('model');
  });

  it.each(operations)('makes the text of a %s, and tells what it cost', async operation => {
    const { target, named } = await start();
    const { events, error } = await collect(adapter.run(target, requestOf(operation, { max_tokens: 8 }, named)));
    expect(error).toBeUndefined();
    const { choices, usage } = toldReply(events);
    expect(choices[0]?.text).not.toBe('');
    expect(usage).toMatchObject({ tokensOut: 8, finishReason: 'length' });
  });

  it.each(operations)('is free again when a %s is given up in the middle', async operation => {
    const { engine, target, named } = await start({ tokensPerSecond: 50 });
    const run = adapter.run(target, requestOf(operation, { max_tokens: 1000 }, named)).subscribe();
    await engine.until(({ active, tokens }) => active === 1 && tokens >= 3);
    run.unsubscribe();
    await engine.until(({ active }) => active === 0);
    expect(engine.stats()).toMatchObject({ aborted: 1, finished: 0 });
  });

  it('is known by what it answers', async () => {
    const { target } = await start();
    const clock = new Clock();
    const http = new EngineHttp({ lookup }, filesAsKeys, clock, new Alarms(clock), new TurnEnd());
    expect(await new EngineDetector(http).kindOf(target)).toBe(wire);
    http.onModuleDestroy();
  });
});
