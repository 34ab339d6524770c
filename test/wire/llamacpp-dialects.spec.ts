import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { collect, engineRequest, llamacppAdapter, targetAt, textsOf, type RunResult } from './adapter-under-test';
import {
  chunk,
  eventStream,
  recordedBytes,
  replayServer,
  streamHead,
  writeCut,
  type ReplayServer,
} from './replay-server';
import { LAST_RESORT_MS } from '../support/deadline';

const { adapter, close } = llamacppAdapter();
let server: ReplayServer | undefined;

async function closeServer(): Promise<void> {
  await server?.close();
  server = undefined;
}

afterEach(closeServer);
afterAll(close);

const tokens = 'data: {"content":"a","stop":false}\n\ndata: {"content":"b","stop":false}\n\n';
const end = 'data: {"content":"","stop":true,"stop_type":"eos","tokens_predicted":2}\n\n';
const tooLong = 'the request exceeds the available context size, try increasing it';

interface Ending {
  /** The engine closes the connection after what it sent. */
  readonly closes?: boolean;
}

/** Runs these bytes whole, byte by byte, and in two pieces cut at every place: each time it must come out alike. */
async function everyWay(bytes: Buffer, { closes = false }: Ending = {}): Promise<RunResult> {
  let cuts: readonly number[] = [];
  await closeServer();
  server = await replayServer(async socket => {
    await writeCut(socket, bytes, cuts);
    if (closes) socket.end();
  });
  const target = targetAt(server.url);
  const everyByte = Array.from({ length: bytes.length - 1 }, (_, at) => at + 1);
  const whole = await collect(adapter.run(target, engineRequest()));
  for (cuts of [everyByte, ...everyByte.map(at => [at])]) {
    const { events, error } = await collect(adapter.run(target, engineRequest()));
    const outcome = { events, code: error?.code, message: error?.message };
    expect(outcome, `cut at ${cuts.slice(0, 2).join()}`).toEqual({
      events: whole.events,
      code: whole.error?.code,
      message: whole.error?.message,
    });
  }
  return whole;
}

function answer(status: string, contentType: string, body: string): Buffer {
  const length = Buffer.byteLength(body);
  return Buffer.from(`HTTP/1.1 ${status}\r\nContent-Type: ${contentType}\r\nContent-Length: ${length}\r\n\r\n${body}`);
}

describe('a stream that fails gives the reason, in whatever form it comes', () => {
  it.each<[string, string, string, string]>([
    [
      'a field `error`, of the request (llama.cpp before autumn 2025)',
      `error: {"code":400,"message":"${tooLong}","type":"exceed_context_size_error"}\n\n`,
      'INVALID_PARAMS',
      tooLong,
    ],
    [
      'a field `error`, of the server',
      'error: {"code":500,"message":"failed to decode","type":"server_error"}\n\n',
      'WORKER_RESET',
      'The engine failed: failed to decode',
    ],
    [
      'a field `error`, no room',
      'error: {"code":503,"message":"Loading model","type":"unavailable_error"}\n\n',
      'ENGINE_BUSY',
      'Loading model',
    ],
    ['a field `error` of plain text', 'error: out of memory\n\n', 'WORKER_RESET', 'The engine failed: out of memory'],
    [
      'a request’s fault under the code of the server’s',
      `data: {"error":{"code":500,"message":"${tooLong}","type":"exceed_context_size_error"}}\n\n`,
      'INVALID_PARAMS',
      tooLong,
    ],
    [
      'an error that is a text',
      'data: {"error":"model crashed"}\n\n',
      'WORKER_RESET',
      'The engine failed: model crashed',
    ],
    [
      'an error that is the frame itself',
      'event: error\ndata: {"code":400,"message":"no such adapter","type":"invalid_request_error"}\n\n',
      'INVALID_PARAMS',
      'no such adapter',
    ],
    ['a code that is none', 'data: {"error":{"code":7,"message":"odd"}}\n\n', 'WORKER_RESET', 'The engine failed: odd'],
    [
      'an error whose frame lacks its blank line',
      `data: {"error":{"code":400,"message":"${tooLong}"}}`,
      'INVALID_PARAMS',
      tooLong,
    ],
  ])('%s', async (_, fault, code, message) => {
    const before = await everyWay(eventStream(fault));
    expect(before).toMatchObject({ events: [], error: { code, message } });
    const amid = await everyWay(eventStream(tokens + fault));
    expect(textsOf(amid)).toEqual(['a', 'b']);
    expect(amid.error).toMatchObject({ code, message });
  });
});

describe('a refusal gives the reason, in whatever form it comes', () => {
  it.each<[string, Buffer, string, string]>([
    [
      '500 for a prompt that is too long',
      answer(
        '500 Internal Server Error',
        'application/json; charset=utf-8',
        JSON.stringify({ error: { code: 500, message: tooLong, type: 'exceed_context_size_error' } }),
      ),
      'INVALID_PARAMS',
      tooLong,
    ],
    [
      '400 with a text',
      answer('400 Bad Request', 'application/json', '{"error":"no prompt"}'),
      'INVALID_PARAMS',
      'no prompt',
    ],
    [
      '422 with a detail',
      answer('422 Unprocessable Content', 'application/json', '{"detail":"bad field"}'),
      'INVALID_PARAMS',
      'bad field',
    ],
    [
      '500 with a line',
      answer('500 Internal Server Error', 'text/plain', 'out of memory\n'),
      'WORKER_RESET',
      'The engine failed: out of memory',
    ],
    [
      '500 with a page',
      answer('500 Internal Server Error', 'text/html', '<h1>Oops</h1>'),
      'WORKER_RESET',
      'The engine failed: status 500',
    ],
    [
      '404 with a reason',
      answer('404 Not Found', 'application/json', '{"message":"no route"}'),
      'ENGINE_PROTOCOL',
      'The engine answered with status 404: no route.',
    ],
    [
      '200 with an error',
      answer('200 OK', 'application/json', '{"error":{"code":400,"message":"no"}}'),
      'INVALID_PARAMS',
      'no',
    ],
    [
      '200 with a text for an error',
      answer('200 OK', 'application/json', '{"error":"boom"}'),
      'WORKER_RESET',
      'The engine failed: boom',
    ],
  ])('%s', async (_, bytes, code, message) => {
    expect(await everyWay(bytes)).toMatchObject({ events: [], error: { code, message } });
  });
});

describe('a healthy stream goes on', () => {
  const healthy = {
    events: [{ text: 'a' }, { text: 'b' }, { kind: 'end', usage: { tokensOut: 2 } }],
    error: undefined,
  };

  it.each<[string, string]>([
    ['with an error that is null beside its content', (tokens + end).replaceAll('"stop":', '"error":null,"stop":')],
    ['with an error that is empty', (tokens + end).replaceAll('"stop":', '"error":"","stop":')],
    ['with empty events that keep it open', `data:\n\ndata: \n\n${tokens}data\n\ndata:\n\n${end}`],
    ['with events that are null', `data: null\n\n${tokens}data: null\n\n${end}`],
    ['with a last frame that lacks its blank line', tokens + end.slice(0, -1)],
    ['with a last frame that lacks its line end', tokens + end.slice(0, -2)],
  ])('%s', async (_, body) => {
    expect(await everyWay(eventStream(body))).toMatchObject(healthy);
    expect(await everyWay(Buffer.concat([streamHead(), chunk(body)]), { closes: true })).toMatchObject(healthy);
  });

  it.each<[string, string]>([
    ['100 Continue that nobody asked for', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['several of them, with fields', 'HTTP/1.1 100 Continue\r\nX-Proxy: a\r\n\r\nHTTP/1.1 100\r\n\r\n'],
    ['early hints', 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n'],
  ])('after %s, on a connection that is used again', async (_, interim) => {
    const bytes = Buffer.concat([Buffer.from(interim), eventStream(tokens + end)]);
    expect(await everyWay(bytes)).toMatchObject(healthy);
    expect(server?.connections.length).toBeLessThan(bytes.length / 2);
  });
});

it('is no end where the last frame is not whole', async () => {
  const bytes = eventStream(tokens + end.slice(0, -3));
  const { events, error } = await everyWay(bytes);
  expect(events.map(({ kind }) => kind)).toEqual(['token', 'token']);
  expect(error).toMatchObject({ code: 'WORKER_RESET' });
});

it('shows no token whose frame was never finished', async () => {
  const { events, error } = await everyWay(eventStream(tokens.slice(0, -1)));
  expect(events).toEqual([{ kind: 'token', text: 'a' }]);
  expect(error).toMatchObject({ code: 'WORKER_RESET' });
});

it('is asked for its state after an interim answer too', async () => {
  server = await replayServer((socket, { path }) => {
    const names: Record<string, string> = { '/health': 'health-ok', '/props': 'props', '/slots': 'slots' };
    socket.write(
      Buffer.concat([Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'), recordedBytes(names[path] ?? 'not-found')]),
    );
  });
  const probe = await adapter.probe(targetAt(server.url), AbortSignal.timeout(LAST_RESORT_MS));
  expect(probe).toMatchObject({ state: 'ready', slotsTotal: 4 });
});
