import { afterAll, describe, expect, it } from 'vitest';
import { OpenaiAdapter } from '../../src/engines/openai/openai.adapter';
import { adapterOf, collect, engineRequest, targetAt } from './adapter-under-test';
import { replayServer } from './replay-server';

const { adapter, close } = adapterOf(OpenaiAdapter);
afterAll(close);

async function embedded(embedding: string) {
  const text = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":${embedding}}],"usage":null}`;
  const server = await replayServer(socket => {
    const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n`;
    socket.write(head + text);
  });
  try {
    const work = { operation: 'embedding', body: { input: 'x' } } as const;
    return await collect(adapter.run(targetAt(server.url), engineRequest({ work })));
  } finally {
    await server.close();
  }
}

describe('a vector', () => {
  it('with something in it that is no number is a fault of the engine', async () => {
    const { error, events } = await embedded('[0, 1.5, null, 0]');
    expect([error?.code, error?.message, events]).toEqual([
      'ENGINE_PROTOCOL',
      'The engine sent a vector with something in it that is no number.',
      [],
    ]);
  });

  it('of numbers, or of their bytes, is handed on though there is a null elsewhere', async () => {
    for (const sound of ['[0, 1.5]', '"AAAAAA=="']) expect((await embedded(sound)).error).toBeUndefined();
  });
});
