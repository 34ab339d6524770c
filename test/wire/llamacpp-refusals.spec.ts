import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { collect, engineRequest, llamacppAdapter, targetAt } from './adapter-under-test';
import {
  always,
  chunk,
  eventStream,
  recordedBytes,
  replayServer,
  type Answer,
  type ReplayServer,
} from './replay-server';
import { LAST_RESORT_MS } from '../support/deadline';

const { adapter, close } = llamacppAdapter();
const servers: ReplayServer[] = [];

async function serve(answer: Answer): Promise<ReplayServer> {
  const server = await replayServer(answer);
  servers.push(server);
  return server;
}

async function errorOf(answer: Answer, idleTimeoutMs = 10_000) {
  const server = await serve(answer);
  const { events, error } = await collect(adapter.run(targetAt(server.url), engineRequest({ idleTimeoutMs })));
  expect(events).toEqual([]);
  return error;
}

function response(status: string, contentType: string, body: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: ${contentType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

afterEach(() => Promise.all(servers.splice(0).map(server => server.close())));
afterAll(close);

describe('recorded refusals', () => {
  it.each([
    [
      'completion-too-long',
      'INVALID_PARAMS',
      'request (3001 tokens) exceeds the available context size (2048 tokens), try increasing it',
    ],
    [
      'completion-bad-param',
      'INVALID_PARAMS',
      '"prompt" elements must be a string, a list of tokens, a JSON object containing a prompt string, or a list of mixed strings & tokens.',
    ],
    ['router-load-again', 'INVALID_PARAMS', 'model is already running'],
    [
      'embeddings-unsupported',
      'INVALID_PARAMS',
      'This server does not support embeddings. Start it with `--embeddings`',
    ],
    [
      'router-completion-unloadable',
      'MODEL_LOAD_FAILED',
      'The engine could not load the model: model name=broken failed to load.',
    ],
    ['router-completion-not-loaded', 'WORKER_RESET', 'The engine failed: model is not loaded'],
    ['router-completion-unnamed', 'INVALID_PARAMS', 'model name is missing from the request'],
    ['health-loading', 'ENGINE_BUSY', 'Loading model'],
    ['completion-bad-json', 'WORKER_RESET', expect.stringContaining('[json.exception.parse_error.101]') as string],
    ['not-found', 'ENGINE_PROTOCOL', 'The engine answered with status 404: File Not Found.'],
    ['completion-plain', 'ENGINE_PROTOCOL', 'The engine answered with something that is not an event stream.'],
  ])('%s is %s', async (name, code, message) => {
    expect(await errorOf(always(recordedBytes(name)))).toMatchObject({ code, message });
  });

  it('is the same refusal wherever its bytes are cut', async () => {
    const bytes = recordedBytes('completion-too-long');
    let cut = 0;
    const server = await serve(socket => {
      socket.write(bytes.subarray(0, cut));
      setImmediate(() => socket.write(bytes.subarray(cut)));
    });
    for (cut = 1; cut < bytes.length; cut += 3) {
      const { error } = await collect(adapter.run(targetAt(server.url), engineRequest()));
      expect(error, `cut at ${cut}`).toMatchObject({ code: 'INVALID_PARAMS' });
    }
  });
});

describe('other answers', () => {
  it.each([
    ['429', response('429 Too Many Requests', 'application/json', '{}'), 'ENGINE_BUSY'],
    ['503 with a page', response('503 Service Unavailable', 'text/html', '<h1>'), 'ENGINE_BUSY'],
    ['502 with a page', response('502 Bad Gateway', 'text/html', '<h1>'), 'WORKER_RESET'],
    ['401', response('401 Unauthorized', 'application/json', '{"error":{"message":"key"}}'), 'ENGINE_PROTOCOL'],
    ['200 with a page', response('200 OK', 'text/html', '<!DOCTYPE html><h1>Hi</h1>'), 'ENGINE_PROTOCOL'],
    ['200 with nothing', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'ENGINE_PROTOCOL'],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', 'ENGINE_PROTOCOL'],
    ['a look-alike type', response('200 OK', 'text/event-streams', 'data: {}\n\n'), 'ENGINE_PROTOCOL'],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'ENGINE_PROTOCOL'],
    ['endless headers', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(64 * 1024)}`, 'ENGINE_PROTOCOL'],
  ])('%s', async (_, bytes, code) => {
    expect(await errorOf(always(bytes))).toMatchObject({ code });
  });

  it.each([
    ['429 Too Many Requests', 'Retry-After: 7', { code: 'ENGINE_BUSY', details: { retryAfterMs: 7000 } }],
    [
      '503 Service Unavailable',
      'Date: Thu, 26 Nov 2026 00:00:00 GMT\r\nRetry-After: Thu, 26 Nov 2026 00:00:09 GMT',
      { code: 'ENGINE_BUSY', details: { retryAfterMs: 9000 } },
    ],
    ['502 Bad Gateway', 'Retry-After: 1', { code: 'WORKER_RESET', details: { retryAfterMs: 1000 } }],
  ])('%s with %s says when to come back', async (status, headers, expected) => {
    const answer = `HTTP/1.1 ${status}\r\n${headers}\r\nContent-Length: 0\r\n\r\n`;
    expect(await errorOf(always(answer))).toMatchObject(expected);
  });

  it('a refusal for good has no advice on when to come back', async () => {
    const error = await errorOf(always('HTTP/1.1 400 Bad Request\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n'));
    expect(error?.details.retryAfterMs).toBeUndefined();
  });

  it('does not follow a redirect', async () => {
    const elsewhere = await serve(always(eventStream('data: {"content":"x","stop":true}\n\n')));
    const error = await errorOf(
      always(`HTTP/1.1 307 Temporary Redirect\r\nLocation: ${elsewhere.url}/completion\r\nContent-Length: 0\r\n\r\n`),
    );
    expect(error).toMatchObject({ code: 'ENGINE_PROTOCOL' });
    expect(elsewhere.connections).toHaveLength(0);
  });

  it('takes the reason on one line, bounded, and well formed', async () => {
    const message = `first\r\nX-Forged: 1\u0000\u001b[31m\u2028${'x'.repeat(460)}${'😀'.repeat(100)}`;
    const error = await errorOf(
      always(response('400 Bad Request', 'application/json', JSON.stringify({ error: { message } }))),
    );
    expect(error?.code).toBe('INVALID_PARAMS');
    expect(error?.message).toMatch(/^first X-Forged: 1 \[31m x+/);
    expect(error?.message).not.toMatch(/\p{Cc}|\u2028/u);
    expect(error?.message.length).toBeLessThanOrEqual(500);
    expect(error?.message.isWellFormed()).toBe(true);
  });

  it('reads no more of a refusal than a reason needs', async () => {
    const head = 'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    const piece = chunk('x'.repeat(16 * 1024));
    const server = await serve(socket => {
      socket.write(head);
      const writeOn = (): void => {
        while (!socket.destroyed && socket.write(piece));
      };
      socket.on('drain', writeOn);
      writeOn();
    });
    const { error } = await collect(adapter.run(targetAt(server.url), engineRequest()));
    expect(error).toMatchObject({ code: 'INVALID_PARAMS', message: 'The engine refused the request.' });
  });

  it('does not wait for the end of a refusal that never ends', async () => {
    const startedMs = performance.now();
    const head =
      'HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"err';
    expect(await errorOf(always(head), 2 * LAST_RESORT_MS)).toMatchObject({ code: 'ENGINE_BUSY' });
    expect(performance.now() - startedMs).toBeLessThan(LAST_RESORT_MS);
  });

  it('knows a refusal by its status, though its body is cut off', async () => {
    const head =
      'HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"err';
    expect(await errorOf(socket => void socket.end(head))).toMatchObject({ code: 'ENGINE_BUSY' });
  });
});
