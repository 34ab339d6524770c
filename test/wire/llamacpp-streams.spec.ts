import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/engines/engine-adapter.port';
import { CompletionFormat } from '../../src/engines/llamacpp/completion-format';
import { SseDecoder } from '../../src/engines/wire/sse-decoder';
import { parseHttpMessage } from '../support/http-message';
import { collect, engineRequest, llamacppAdapter, targetAt, textsOf } from './adapter-under-test';
import { always, eventStream, recordedBytes, replayServer, writeCut, type ReplayServer } from './replay-server';

const streams = [
  'completion-stream',
  'completion-stream-again',
  'completion-stream-cached',
  'completion-timings',
  'completion-progress-stream',
  'router-completion',
];

const helloWorld = [
  ' Athe',
  '.Addr',
  '");\n\n',
  '\tfail',
  ']--;\n',
  'ESCO',
  ' Duc',
  '_ENTER',
  '_LIB',
  '\ufffd-weight',
  ' approved',
  ' progn',
  ' Tenant',
  '大多数人',
  ' gin',
];

/** What a recording says, read by other means than ours: frame by frame, whole. */
function expectedOf(name: string): EngineEvent[] {
  const { chunks = [] } = parseHttpMessage(recordedBytes(name), true);
  return chunks.flatMap((text): EngineEvent[] => {
    const frame = JSON.parse(text.slice('data: '.length)) as {
      content: string;
      stop: boolean;
      model: string;
      stop_type: string;
      tokens_predicted: number;
      tokens_evaluated: number;
      prompt_progress?: { processed: number; total: number };
      timings: { cache_n: number; prompt_ms: number; predicted_ms: number };
    };
    const { processed, total } = frame.prompt_progress ?? {};
    if (processed !== undefined && total !== undefined)
      return [{ kind: 'progress', processedTokens: processed, totalTokens: total }];
    if (!frame.stop) return frame.content === '' ? [] : [{ kind: 'token', text: frame.content }];
    const { timings } = frame;
    return [
      {
        kind: 'end',
        usage: {
          tokensOut: frame.tokens_predicted,
          tokensIn: frame.tokens_evaluated,
          tokensCached: timings.cache_n,
          promptMs: timings.prompt_ms,
          decodeMs: timings.predicted_ms,
          finishReason: frame.stop_type === 'limit' ? 'length' : 'stop',
          model: frame.model,
        },
      },
    ];
  });
}

/** The events of a response body, given to the decoder in two pieces. */
function eventsOf(body: Buffer, cut: number): EngineEvent[] {
  const format = new CompletionFormat(0);
  const events: EngineEvent[] = [];
  const decoder = new SseDecoder(format.maxFrameChars, data => format.read(data, events));
  decoder.push(body.subarray(0, cut));
  decoder.push(body.subarray(cut));
  return events;
}

it('figures that no server can mean are not taken over', () => {
  const figures = { tokens_predicted: 9e15, tokens_evaluated: 2 ** 31 };
  const timings = { predicted_ms: 1e300, prompt_ms: -1, cache_n: 1e12 };
  const frame = JSON.stringify({ content: 'a', stop: true, stop_type: 'eos', ...figures, timings });
  expect(eventsOf(Buffer.from(`data: ${frame}\n\n`), 0)).toEqual([
    { kind: 'token', text: 'a' },
    { kind: 'end', usage: { tokensOut: 1, finishReason: 'stop' } },
  ]);
});

describe('recorded streams of a llama.cpp server', () => {
  const { adapter, close } = llamacppAdapter();
  let server: ReplayServer;
  let cuts: readonly number[];
  let bytes: Buffer;

  beforeAll(async () => {
    server = await replayServer(socket => writeCut(socket, bytes, cuts));
  });
  afterAll(async () => {
    await close();
    await server.close();
  });

  const run = () => collect(adapter.run(targetAt(server.url), engineRequest()));

  it('gives the tokens and the usage of a completion', async () => {
    bytes = recordedBytes('completion-stream');
    cuts = [];
    const result = await run();
    expect(textsOf(result)).toEqual(helloWorld);
    expect(result.error).toBeUndefined();
    expect(result.events.at(-1)).toEqual({
      kind: 'end',
      usage: {
        tokensIn: 2,
        tokensCached: 1,
        tokensOut: 16,
        promptMs: 2.591,
        decodeMs: 31.146,
        finishReason: 'length',
        model: 'tiny.gguf',
      },
    });
  });

  it('does not take progress in the prompt for tokens', async () => {
    bytes = recordedBytes('completion-timings');
    cuts = [];
    expect(textsOf(await run())).toEqual(['\ttd', 'age', '涅', 'ADDR']);
  });

  describe.each(streams)('%s', name => {
    const expected = expectedOf(name);

    it('is the same in one piece, byte by byte, and cut anywhere on a socket', async () => {
      bytes = recordedBytes(name);
      const everyByte = Array.from({ length: bytes.length - 1 }, (_, at) => at + 1);
      // Every place in the head and the first chunks, where all of HTTP's grammar is; of the rest, one recording has it all.
      const places = everyByte.filter(at => at < 420 || at % 41 === 0 || name === 'completion-stream-cached');
      for (const plan of [[], everyByte, ...places.map(at => [at])]) {
        cuts = plan;
        const { events, error } = await run();
        expect(error, `cut at ${plan.slice(0, 3).join()}`).toBeUndefined();
        expect(events, `cut at ${plan.slice(0, 3).join()}`).toEqual(expected);
      }
    });

    it('is the same cut at every byte of its body', () => {
      const body = Buffer.from(parseHttpMessage(recordedBytes(name), true).body);
      for (let cut = 0; cut <= body.length; cut++) expect(eventsOf(body, cut), `cut at ${cut}`).toEqual(expected);
    });
  });

  it('gives one batch for what one read of the socket held', async () => {
    bytes = recordedBytes('completion-stream');
    cuts = [];
    const { batches } = await run();
    expect(batches.length).toBeLessThan(4);
    expect(batches.every(batch => batch.length > 0)).toBe(true);
  });

  it('uses a connection again once its response has been read to the end', async () => {
    bytes = recordedBytes('completion-stream');
    cuts = [];
    const before = server.connections.length;
    for (let turn = 0; turn < 20; turn++) await run();
    expect(server.connections.length - before).toBeLessThanOrEqual(1);
  });
});

describe('the same stream in other spellings', () => {
  const { adapter, close } = llamacppAdapter();
  let server: ReplayServer | undefined;
  const body = parseHttpMessage(recordedBytes('completion-stream'), true).body;

  afterEach(() => server?.close());
  afterAll(close);

  it.each([
    ['LF', body],
    ['CR LF', body.replaceAll('\n', '\r\n')],
    ['CR', body.replaceAll('\n', '\r')],
    ['a byte order mark', `\ufeff${body}`],
    ['no space after the colon', body.replaceAll('data: ', 'data:')],
    [
      'comments and other fields',
      `: hello\n\n${body.replaceAll('data: ', ': ping\nevent: token\nid: 7\nretry: 1\ndata: ')}`,
    ],
    ['data over several lines', body.replaceAll(',"tokens"', ',\ndata: "tokens"')],
  ])('%s', async (_, text) => {
    const bytes = eventStream(text);
    const everyByte = Array.from({ length: bytes.length - 1 }, (__, at) => at + 1);
    let cuts: readonly number[] = [];
    server = await replayServer(socket => writeCut(socket, bytes, cuts));
    for (cuts of [[], everyByte]) {
      const result = await collect(adapter.run(targetAt(server.url), engineRequest()));
      expect(result.error).toBeUndefined();
      expect(textsOf(result)).toEqual(helloWorld);
    }
  });

  it('splits no character, wherever its bytes are parted', async () => {
    const texts = ['é', '涅', '😀', 'e\u0301', '\u{10ffff}'];
    const frames = texts.map(content => `data: ${JSON.stringify({ content, stop: false })}\n\n`).join('');
    const bytes = eventStream(`${frames}data: {"content":"","stop":true,"stop_type":"eos"}\n\n`);
    server = await replayServer(socket =>
      writeCut(
        socket,
        bytes,
        Array.from({ length: bytes.length - 1 }, (__, at) => at + 1),
      ),
    );
    const result = await collect(adapter.run(targetAt(server.url), engineRequest()));
    expect(textsOf(result)).toEqual(texts);
  });

  it('makes lone surrogates well formed, and keeps everything else that JSON can say inside one token', async () => {
    const forged = 'a\n\ndata: {"content":"forged","stop":false}\n\n\u0000\u2028\r\n';
    const frames = [`{"content":"\\ud83d","stop":false}`, JSON.stringify({ content: forged, stop: false })];
    server = await replayServer(
      always(eventStream(`data: ${frames.join('\n\ndata: ')}\n\ndata: {"content":"","stop":true}\n\n`)),
    );
    const result = await collect(adapter.run(targetAt(server.url), engineRequest()));
    expect(textsOf(result)).toEqual(['\ufffd', forged]);
  });
});
