import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/engines/engine-adapter.port';
import { collect, engineRequest, llamacppAdapter, targetAt, textsOf } from './adapter-under-test';
import {
  chunk,
  recordedBytes,
  replayServer,
  streamHead,
  writeCut,
  type Answer,
  type ReplayServer,
} from './replay-server';

const { adapter, close } = llamacppAdapter();
const servers: ReplayServer[] = [];

async function serve(answer: Answer): Promise<ReplayServer> {
  const server = await replayServer(answer);
  servers.push(server);
  return server;
}

async function run(answer: Answer, idleTimeoutMs = 10_000) {
  const server = await serve(answer);
  return collect(adapter.run(targetAt(server.url), engineRequest({ idleTimeoutMs })));
}

const token = (text: string) => `data: ${JSON.stringify({ content: text, stop: false })}\n\n`;
const end = 'data: {"content":"","stop":true,"stop_type":"eos","tokens_predicted":2}\n\n';
const lastChunk = '0\r\n\r\n';

afterEach(() => Promise.all(servers.splice(0).map(server => server.close())));
afterAll(close);

describe('a stream that breaks off', () => {
  it('is a WORKER_RESET after the tokens that came, when the server was killed', async () => {
    const result = await run((socket, _) => void socket.end(recordedBytes('completion-stream-killed')));
    expect(result.error).toMatchObject({ code: 'WORKER_RESET' });
    expect(textsOf(result).length).toBeGreaterThan(50);
    expect(textsOf(result).at(-1)).toBe('突如其来');
  });

  // The second announces that its connection closes, so that the end of the connection could be that of the body.
  it.each(['completion-stream', 'router-completion'])('never looks like an end, wherever %s breaks off', async name => {
    const bytes = recordedBytes(name);
    const finalFrame = bytes.indexOf('"stop":true');
    let length = 0;
    const server = await serve(socket => void socket.end(bytes.subarray(0, length)));
    for (length = 1; length < finalFrame; length += 13) {
      const { events, error } = await collect(adapter.run(targetAt(server.url), engineRequest()));
      expect(error, `after ${length} bytes`).toMatchObject({ code: 'WORKER_RESET' });
      expect(events.some(({ kind }) => kind === 'end')).toBe(false);
    }
  });

  it.each<[string, Answer, string]>([
    ['a reset before any byte', socket => void socket.resetAndDestroy(), 'WORKER_RESET'],
    ['a close before any byte', socket => void socket.end(), 'WORKER_RESET'],
    ['a head and no body', socket => void socket.end(streamHead()), 'WORKER_RESET'],
    [
      'a body without frames',
      socket => void socket.write(Buffer.concat([streamHead(), Buffer.from(lastChunk)])),
      'WORKER_RESET',
    ],
  ])('%s', async (_, answer, code) => {
    const { events, error } = await run(answer);
    expect(events).toEqual([]);
    expect(error).toMatchObject({ code });
  });

  it('is a WORKER_RESET where nobody listens', async () => {
    const taken = createServer();
    await new Promise<void>(listening => taken.listen(0, '127.0.0.1', listening));
    const { port } = taken.address() as AddressInfo;
    await new Promise(closed => taken.close(closed));
    const { error } = await collect(adapter.run(targetAt(`http://127.0.0.1:${port}`), engineRequest()));
    expect(error).toMatchObject({ code: 'WORKER_RESET', message: 'The engine refused the connection.' });
  });

  it.each<[string, Answer, string]>([
    ['a reset', socket => void socket.resetAndDestroy(), 'WORKER_RESET'],
    ['a close in the middle of a chunk', socket => void socket.end('ff\r\ndata: {"con'), 'WORKER_RESET'],
    ['a clean end without the last frame', socket => void socket.write(lastChunk), 'WORKER_RESET'],
    ['broken JSON', socket => void socket.write(chunk('data: {"content":" bro\n\n')), 'ENGINE_PROTOCOL'],
    ['a frame that is no object', socket => void socket.write(chunk('data: [DONE]\n\n')), 'ENGINE_PROTOCOL'],
    ['a frame of another protocol', socket => void socket.write(chunk('data: {"choices":[]}\n\n')), 'ENGINE_PROTOCOL'],
    ['a chunk size that is none', socket => void socket.write('zz\r\n'), 'ENGINE_PROTOCOL'],
    [
      'an error of the engine',
      socket =>
        void socket.write(chunk('data: {"error":{"code":500,"message":"decode failed","type":"server_error"}}\n\n')),
      'WORKER_RESET',
    ],
    [
      "an error that is the request's",
      socket => void socket.write(chunk('data: {"error":{"code":400,"message":"too long"}}\n\n')),
      'INVALID_PARAMS',
    ],
    ['an error without a code', socket => void socket.write(chunk('data: {"error":"oops"}\n\n')), 'WORKER_RESET'],
  ])('keeps its tokens before %s', async (_, fault, code) => {
    const result = await run((socket, request) => {
      socket.write(streamHead());
      socket.write(chunk(token('a') + token('b')));
      setTimeout(() => void fault(socket, request), 20);
    });
    expect(textsOf(result)).toEqual(['a', 'b']);
    expect(result.error).toMatchObject({ code });
  });

  it('keeps its tokens also when the fault comes in the same bytes', async () => {
    for (const fault of [chunk('data: nonsense\n\n'), Buffer.from('zz\r\n'), Buffer.from(lastChunk)]) {
      const bytes = Buffer.concat([streamHead(), chunk(token('a')), chunk(token('b')), fault]);
      const everyByte = Array.from({ length: bytes.length - 1 }, (_, at) => at + 1);
      for (const cuts of [[], everyByte]) {
        const result = await run(socket => writeCut(socket, bytes, cuts));
        expect(textsOf(result)).toEqual(['a', 'b']);
        expect(result.error).toBeDefined();
      }
    }
  });
});

describe('a stream that goes on after its last event', () => {
  it('gives nothing that follows it', async () => {
    const result = await run(socket => {
      socket.write(Buffer.concat([streamHead(), chunk(token('a') + end + token('late') + end)]));
      socket.write(chunk('data: nonsense\n\n'));
    });
    expect(result.error).toBeUndefined();
    expect(result.events.map(({ kind }) => kind)).toEqual(['token', 'end']);
  });

  it('has ended well, though its connection breaks then', async () => {
    const result = await run(socket => {
      socket.write(Buffer.concat([streamHead(), chunk(token('a') + end)]), () => socket.resetAndDestroy());
    });
    expect(result).toMatchObject({ error: undefined, events: [{ kind: 'token' }, { kind: 'end' }] });
  });

  it('is complete at once, and its connection is let go where the response does not end', async () => {
    let disconnected: Promise<unknown> | undefined;
    let letGo = false;
    const result = await run(socket => {
      disconnected = new Promise(resolve => socket.once('close', resolve)).then(() => (letGo = true));
      socket.write(Buffer.concat([streamHead(), chunk(token('a') + end)]));
    });
    expect(result.error).toBeUndefined();
    expect(letGo).toBe(false);
    await disconnected;
  });
});

describe('a line without end', () => {
  const MIB = 1024 * 1024;

  it.each([
    ['of data', 'data: {"content":"'],
    ['of a comment', ': '],
  ])('%s is capped, and memory with it', async (_, beginning) => {
    const filling = chunk(Buffer.alloc(64 * 1024, 'x'));
    let sentBytes = 0;
    const before = process.memoryUsage().rss;
    let peak = before;
    const result = await run(socket => {
      socket.write(Buffer.concat([streamHead(), chunk(token('a')), chunk(beginning)]));
      const writeOn = (): void => {
        while (!socket.destroyed && sentBytes < 100 * MIB) {
          sentBytes += filling.length;
          peak = Math.max(peak, process.memoryUsage().rss);
          if (!socket.write(filling)) return;
        }
      };
      socket.on('drain', writeOn);
      writeOn();
    });
    expect(textsOf(result)).toEqual(['a']);
    expect(result.error).toMatchObject({ code: 'ENGINE_PROTOCOL' });
    expect(sentBytes).toBeLessThan(16 * MIB);
    expect((peak - before) / MIB).toBeLessThan(64);
  });

  it('lets an older server send the prompt back in its last frame', async () => {
    const prompt = '\u0001'.repeat(1024 * 1024);
    const last = `data: ${JSON.stringify({ content: '', stop: true, tokens_predicted: 0, prompt })}\n\n`;
    const server = await serve(socket => void socket.write(Buffer.concat([streamHead(), chunk(last)])));
    const { events, error } = await collect(adapter.run(targetAt(server.url), engineRequest({ body: { prompt } })));
    expect(error).toBeUndefined();
    expect(events).toEqual([{ kind: 'end', usage: { tokensOut: 0, finishReason: 'stop' } } satisfies EngineEvent]);
  });
});

describe('silence', () => {
  const idleTimeoutMs = 200;

  it('after the first token is a DECODE_TIMEOUT', async () => {
    let tokensAtMs = 0;
    const result = await run(socket => {
      socket.write(Buffer.concat([streamHead(), chunk(token('a') + token('b'))]));
      tokensAtMs = performance.now();
    }, idleTimeoutMs);
    const silentMs = performance.now() - tokensAtMs;
    expect(textsOf(result)).toEqual(['a', 'b']);
    expect(result.error).toMatchObject({ code: 'DECODE_TIMEOUT' });
    expect(silentMs).toBeGreaterThanOrEqual(idleTimeoutMs);
  });

  it('is not broken by comments: an engine that only pings is stuck', async () => {
    const result = await run(socket => {
      socket.write(Buffer.concat([streamHead(), chunk(token('a'))]));
      const pings = setInterval(() => socket.write(chunk(': ping\n\n')), 20);
      socket.once('close', () => clearInterval(pings));
    }, idleTimeoutMs);
    expect(result.error).toMatchObject({ code: 'DECODE_TIMEOUT' });
  });

  it('does not count in a prefill, however long', async () => {
    const result = await run(socket => {
      socket.write(Buffer.concat([streamHead(), chunk(': ping\n\n'), chunk('data: {"content":"","stop":false}\n\n')]));
      setTimeout(
        () => socket.write(Buffer.concat([chunk(token('a') + end), Buffer.from(lastChunk)])),
        3 * idleTimeoutMs,
      );
    }, idleTimeoutMs);
    expect(result.error).toBeUndefined();
    expect(textsOf(result)).toEqual(['a']);
  });

  describe('before the first token', () => {
    const firstTokenTimeoutMs = 200;
    const runImpatiently = async (answer: Answer) => {
      const server = await serve(answer);
      return collect(adapter.run(targetAt(server.url), engineRequest({ firstTokenTimeoutMs })));
    };
    const comments = (socket: Socket): void => {
      const pings = setInterval(() => socket.write(chunk(': ping\n\ndata:\n\n')), 20);
      socket.once('close', () => clearInterval(pings));
    };

    it.each<[string, Answer]>([
      ['from the request on', () => undefined],
      ['after the head', socket => void socket.write(streamHead())],
      [
        'that only comments and empty events interrupt',
        socket => void socket.write(streamHead(), () => comments(socket)),
      ],
      [
        'after progress that stopped',
        socket =>
          void socket.write(
            Buffer.concat([
              streamHead(),
              chunk('data: {"content":"","stop":false,"prompt_progress":{"total":8,"processed":4}}\n\n'),
            ]),
          ),
      ],
      [
        'after frames that say nothing',
        socket => void socket.write(Buffer.concat([streamHead(), chunk('data: {"content":"","stop":false}\n\n')])),
      ],
    ])('is a DECODE_TIMEOUT of its own, %s', async (_, answer) => {
      const { events, error } = await runImpatiently(answer);
      expect(events.filter(({ kind }) => kind !== 'progress')).toEqual([]);
      expect(error).toMatchObject({
        code: 'DECODE_TIMEOUT',
        message: 'The engine gave no token and told of no progress for 200 ms.',
      });
    });

    it('is no longer what counts, once that token came', async () => {
      const result = await runImpatiently(socket => {
        socket.write(Buffer.concat([streamHead(), chunk(token('a'))]));
        setTimeout(() => socket.write(Buffer.concat([chunk(end), Buffer.from(lastChunk)])), 3 * firstTokenTimeoutMs);
      });
      expect(result.error).toBeUndefined();
    });

    it('is broken by progress in the prompt', async () => {
      const result = await runImpatiently(socket => {
        socket.write(streamHead());
        let processed = 0;
        const steps = setInterval(() => {
          const progress = { total: 8, cache: 0, processed: ++processed, time_ms: 1 };
          const frame = { content: '', stop: false, prompt_progress: progress };
          socket.write(chunk(`data: ${JSON.stringify(frame)}\n\n`));
          if (processed < 8) return;
          clearInterval(steps);
          socket.write(Buffer.concat([chunk(token('a') + end), Buffer.from(lastChunk)]));
        }, firstTokenTimeoutMs / 3);
      });
      expect(result.error).toBeUndefined();
      expect(textsOf(result)).toEqual(['a']);
    });
  });

  it('is over with every frame, one without text included', async () => {
    const result = await run(socket => {
      socket.write(Buffer.concat([streamHead(), chunk(token('a'))]));
      let frames = 0;
      const slowly = setInterval(() => {
        if (++frames < 8) return socket.write(chunk('data: {"content":"","stop":false}\n\n'));
        clearInterval(slowly);
        socket.write(Buffer.concat([chunk(end), Buffer.from(lastChunk)]));
      }, idleTimeoutMs / 3);
    }, idleTimeoutMs);
    expect(result.error).toBeUndefined();
  });
});
