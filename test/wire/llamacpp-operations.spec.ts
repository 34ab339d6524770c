import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { llamacppAdapter, targetAt } from './adapter-under-test';
import { byPath, recordedBytes, replayServer, type Answer, type ReplayServer } from './replay-server';
import { LAST_RESORT_MS } from '../support/deadline';

const { adapter, close } = llamacppAdapter();
let server: ReplayServer;
const soon = () => AbortSignal.timeout(LAST_RESORT_MS);

async function targetOf(answer: Answer) {
  server = await replayServer(answer);
  return targetAt(server.url);
}

/** Answers a path with one recording after the other, the last again and again. */
function inTurn(answers: Readonly<Record<string, readonly string[]>>): Answer {
  const asked = new Map<string, number>();
  return (socket, { path }) => {
    const times = asked.get(path) ?? 0;
    asked.set(path, times + 1);
    const names = answers[path] ?? ['not-found'];
    socket.write(recordedBytes(names[Math.min(times, names.length - 1)] ?? 'not-found'));
  };
}

afterEach(() => server.close());
afterAll(close);

describe('loading a model into a router', () => {
  const props = ['router-props'];

  it('is done once the model serves', async () => {
    const target = await targetOf(
      inTurn({
        '/props': props,
        '/models/load': ['router-load'],
        '/v1/models': ['router-models-unloaded', 'router-models-loading', 'router-models-loaded'],
      }),
    );
    expect(await adapter.load(target, 'tiny-a', soon())).toEqual({ ok: true });
    const asked = server.requests.find(({ path }) => path === '/models/load');
    expect(JSON.parse(asked?.body ?? '')).toEqual({ model: 'tiny-a' });
    expect(server.requests.filter(({ path }) => path === '/v1/models')).toHaveLength(3);
  });

  it('is done for a model that it has already', async () => {
    const target = await targetOf(
      inTurn({ '/props': props, '/models/load': ['router-load-again'], '/v1/models': ['router-models-loaded'] }),
    );
    expect(await adapter.load(target, 'tiny-a', soon())).toEqual({ ok: true });
  });

  it('is refused for a model it does not know', async () => {
    const target = await targetOf(
      inTurn({ '/props': props, '/models/load': ['router-load-unknown'], '/v1/models': ['router-models-unloaded'] }),
    );
    expect(await adapter.load(target, 'other', soon())).toEqual({
      ok: false,
      unsupported: false,
      reason: 'The engine has no model other.',
    });
  });

  it('is done by the name of its file, which the router itself does not know', async () => {
    const target = await targetOf(
      inTurn({ '/props': props, '/models/load': ['router-load'], '/v1/models': ['router-models-loaded'] }),
    );
    expect(await adapter.load(target, 'tiny-a.gguf', soon())).toEqual({ ok: true });
    const asked = server.requests.find(({ path }) => path === '/models/load');
    expect(JSON.parse(asked?.body ?? '')).toEqual({ model: 'tiny-a' });
  });

  it('is refused with what the router tells of the process that died', async () => {
    const target = await targetOf(
      inTurn({ '/props': props, '/models/load': ['router-load'], '/v1/models': ['router-models-failed'] }),
    );
    expect(await adapter.load(target, 'broken', soon())).toEqual({
      ok: false,
      unsupported: false,
      reason: 'The engine could not load the model: its process ended with code 1.',
    });
  });

  it('is refused when the model does not come up', async () => {
    const target = await targetOf(
      inTurn({
        '/props': props,
        '/models/load': ['router-load'],
        '/v1/models': ['router-models-loading', 'router-models-unloaded'],
      }),
    );
    expect(await adapter.load(target, 'tiny-a', soon())).toEqual({
      ok: false,
      unsupported: false,
      reason: 'The engine could not load tiny-a.',
    });
  });

  it("gives the engine's reason when it refuses what is not there", async () => {
    const target = await targetOf(
      inTurn({ '/props': props, '/models/load': ['completion-too-long'], '/v1/models': ['router-models-unloaded'] }),
    );
    expect(await adapter.load(target, 'tiny-a', soon())).toMatchObject({
      ok: false,
      reason: expect.stringContaining('exceeds the available context') as string,
    });
  });

  it('is given up when its time is over, with the connection', async () => {
    const target = await targetOf(
      inTurn({ '/props': props, '/models/load': ['router-load'], '/v1/models': ['router-models-loading'] }),
    );
    expect(await adapter.load(target, 'tiny-a', AbortSignal.timeout(250))).toEqual({
      ok: false,
      unsupported: false,
      reason: expect.stringMatching(/still loading|did not answer in time/) as string,
    });
  });

  it('is refused where the engine cannot be reached', async () => {
    const target = await targetOf(socket => void socket.resetAndDestroy());
    expect(await adapter.load(target, 'tiny-a', soon())).toEqual({
      ok: false,
      unsupported: false,
      reason: 'The engine closed the connection.',
    });
  });
});

describe('loading a model into a server that has one', () => {
  it('is done for that one, and unsupported for any other', async () => {
    const target = await targetOf(byPath({ '/props': 'props', '/v1/models': 'models' }));
    for (const name of ['tiny.gguf', 'tiny']) expect(await adapter.load(target, name, soon())).toEqual({ ok: true });
    expect(await adapter.load(target, 'other.gguf', soon())).toEqual({
      ok: false,
      unsupported: true,
      reason: 'This llama.cpp server serves tiny.gguf and cannot change it.',
    });
    expect(server.requests.every(({ method }) => method === 'GET')).toBe(true);
  });
});

describe('unloading', () => {
  const props = ['router-props'];

  it("is done once the router's list says so", async () => {
    const target = await targetOf(
      inTurn({
        '/props': props,
        '/models/unload': ['router-unload'],
        '/v1/models': ['router-models-loaded', 'router-models-unloaded'],
      }),
    );
    expect(await adapter.unload(target, 'tiny-a', soon())).toEqual({ ok: true });
    expect(server.requests.filter(({ path }) => path === '/v1/models')).toHaveLength(2);
  });

  it('is done for a model that is not loaded', async () => {
    const target = await targetOf(
      inTurn({ '/props': props, '/models/unload': ['router-load-again'], '/v1/models': ['router-models-unloaded'] }),
    );
    expect(await adapter.unload(target, 'tiny-b', soon())).toEqual({ ok: true });
  });

  it('is refused when the router keeps it', async () => {
    const target = await targetOf(
      inTurn({ '/props': props, '/models/unload': ['router-load-again'], '/v1/models': ['router-models-loaded'] }),
    );
    expect(await adapter.unload(target, 'tiny-a', soon())).toMatchObject({ ok: false, unsupported: false });
  });

  it('is unsupported by a server with one model', async () => {
    const target = await targetOf(byPath({ '/props': 'props' }));
    expect(await adapter.unload(target, 'tiny.gguf', soon())).toMatchObject({ ok: false, unsupported: true });
  });
});

describe('erasing slots', () => {
  const erased = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';

  it('erases each', async () => {
    const target = await targetOf((socket, { path }) => {
      socket.write(path === '/props' ? recordedBytes('props') : erased);
    });
    expect(await adapter.eraseSlots(target, soon())).toEqual({ ok: true });
    expect(server.requests.slice(1).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /slots/0?action=erase',
      'POST /slots/1?action=erase',
      'POST /slots/2?action=erase',
      'POST /slots/3?action=erase',
    ]);
  });

  it('erases those of each loaded model of a router', async () => {
    const target = await targetOf((socket, { path }) => {
      const recordings: Record<string, string> = {
        '/props': 'router-props',
        '/v1/models': 'router-models-loaded',
        '/props?model=tiny-a&autoload=false': 'props',
      };
      const name = recordings[path];
      socket.write(name === undefined ? erased : recordedBytes(name));
    });
    expect(await adapter.eraseSlots(target, soon())).toEqual({ ok: true });
    const posts = server.requests.filter(({ method }) => method === 'POST');
    expect(posts.map(({ body }) => JSON.parse(body) as unknown)).toEqual(Array(4).fill({ model: 'tiny-a' }));
  });

  it('is unsupported without --slot-save-path', async () => {
    const target = await targetOf((socket, { path }) => {
      socket.write(recordedBytes(path === '/props' ? 'props' : 'rerank-unsupported'));
    });
    expect(await adapter.eraseSlots(target, soon())).toMatchObject({ ok: false, unsupported: true });
  });
});
