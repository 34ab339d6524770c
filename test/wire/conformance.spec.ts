import type { Socket } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { EngineAdapter, EngineRequest } from '../../src/engines/engine-adapter.port';
import { adapterOf, collect, targetAt, type RunResult } from './adapter-under-test';
import { conformanceTable } from './conformance-table';
import { subjects, type Exchange, type Subject } from './conformance-subjects';
import { toldReply } from './openai-replies';
import { chunk, replayServer, writeCut, type Answer, type ReplayServer } from './replay-server';

const servers: ReplayServer[] = [];
const closing: (() => Promise<void>)[] = [];

async function serve(answer: Answer): Promise<ReplayServer> {
  const server = await replayServer(answer);
  servers.push(server);
  return server;
}

function head(subject: Subject, status = '200 OK', more = ''): Buffer {
  return Buffer.from(
    `HTTP/1.1 ${status}\r\nContent-Type: ${subject.contentType}\r\n${more}Transfer-Encoding: chunked\r\n\r\n`,
  );
}

const END = Buffer.from('0\r\n\r\n');

/** A connection that is broken off may be so by a reset. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise(resolve => socket.once('close', () => resolve()));
}

function textOf({ events }: RunResult): string {
  return toldReply(events).choices[0]?.text ?? '';
}

afterEach(() => Promise.all(servers.splice(0).map(server => server.close())));
afterAll(() => Promise.all(closing.map(close => close())));

describe.each(subjects.map(subject => [subject.name, subject] as const))('%s', (_, subject) => {
  const { adapter, close } = adapterOf<EngineAdapter>(subject.Adapter);
  closing.push(close);
  const frames = (...texts: readonly string[]): Buffer => chunk(texts.map(text => subject.frame(text)).join(''));
  const whole = (): Buffer =>
    Buffer.concat([head(subject), frames('a', 'b'), ...(subject.last ? [chunk(subject.last)] : []), END]);
  const run = async (answer: Answer, change: Partial<EngineRequest> = {}): Promise<RunResult> => {
    const server = await serve(answer);
    return collect(adapter.run(targetAt(server.url), { ...subject.request, ...change }));
  };
  const replay = async ({ request, answer }: Exchange): Promise<RunResult> => {
    const server = await serve(socket => void socket.end(answer));
    return collect(adapter.run(targetAt(server.url), request));
  };

  it('stream', async () => {
    const result = await replay(subject.stream);
    expect(result.error).toBeUndefined();
    expect(textOf(result)).toContain(subject.stream.text);
    expect(result.events.at(-1)?.kind).toBe('end');
  });

  it.each<[string, (socket: Socket) => void]>([
    ['before the head', () => undefined],
    ['before the first token', socket => void socket.write(head(subject))],
    ['in the stream', socket => void socket.write(Buffer.concat([head(subject), frames('a')]))],
  ])('abort %s', async (_stage, begin) => {
    let asked: (socket: Socket) => void = () => undefined;
    const isAsked = new Promise<Socket>(resolved => (asked = resolved));
    // The first request is the run's; what ends it by name comes after.
    const server = await serve(socket => {
      if (server.requests.length > 1) return void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      begin(socket);
      asked(socket);
    });
    const run = adapter.run(targetAt(server.url), subject.request).subscribe({ error: () => undefined });
    const socket = await isAsked;
    const closed = closeOf(socket);
    run.unsubscribe();
    await closed;
  });

  it('abort of what is not streamed', async ({ skip }) => {
    if ('hole' in subject.embeddings) return skip(subject.embeddings.hole);
    let asked: (socket: Socket) => void = () => undefined;
    const isAsked = new Promise<Socket>(resolved => (asked = resolved));
    const server = await serve(socket => asked(socket));
    const run = adapter.run(targetAt(server.url), subject.embeddings.request).subscribe({ error: () => undefined });
    const closed = closeOf(await isAsked);
    run.unsubscribe();
    await closed;
  });

  it('usage', async ({ skip }) => {
    if ('hole' in subject.usage) return skip(subject.usage.hole);
    const { tokensIn, tokensOut } = subject.usage;
    const { usage } = toldReply((await replay(subject.usage)).events);
    expect(usage).toMatchObject({ tokensOut, ...(tokensIn !== undefined && { tokensIn }) });
  });

  it.each(['stop', 'seed'] as const)('%s', async member => {
    const path = subject[member];
    const value = member === 'stop' ? ['END'] : 7;
    const { work } = subject.request;
    const server = await serve(socket => void socket.write(whole()));
    const request = { ...subject.request, work: { ...work, body: { ...work.body, [member]: value } } };
    const result = await collect(adapter.run(targetAt(server.url), request));
    if (path === '') {
      // What the model has no input for is refused, not lost.
      expect(result.error).toMatchObject({ code: 'INVALID_PARAMS', details: { field: member } });
      expect(server.requests).toEqual([]);
      return;
    }
    const sent: unknown = JSON.parse(server.requests[0]?.body ?? '{}');
    const found = path.split('.').reduce<unknown>((within, name) => (within as Record<string, unknown>)[name], sent);
    expect(found).toEqual(path.endsWith('.0') ? 'END' : value);
  });

  it('too long', async ({ skip }) => {
    if ('hole' in subject.tooLong) return skip(subject.tooLong.hole);
    expect((await replay(subject.tooLong)).error).toMatchObject({ code: 'INVALID_PARAMS', retriable: false });
  });

  it('bad request', async () => {
    expect((await replay(subject.badRequest)).error).toMatchObject({ code: 'INVALID_PARAMS', retriable: false });
  });

  it('429 with Retry-After', async () => {
    const answer = `HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}`;
    const { error } = await run(socket => void socket.write(answer));
    expect(error).toMatchObject({ code: 'ENGINE_BUSY', details: { retryAfterMs: 7000 } });
  });

  it('503', async ({ skip }) => {
    if ('hole' in subject.busy) return skip(subject.busy.hole);
    expect((await replay(subject.busy)).error).toMatchObject({ code: 'ENGINE_BUSY' });
  });

  it('reset', async () => {
    const result = await run(socket => {
      socket.write(Buffer.concat([head(subject), frames('a', 'b')]), () =>
        setTimeout(() => socket.resetAndDestroy(), 20),
      );
    });
    expect(textOf(result)).toBe('ab');
    expect(result.error).toMatchObject({ code: 'WORKER_RESET' });
  });

  it('the engine is killed', async ({ skip }) => {
    if ('hole' in subject.killed) return skip(subject.killed.hole);
    const result = await replay(subject.killed);
    expect(result.error).toMatchObject({ code: 'WORKER_RESET' });
    expect(result.events.some(({ kind }) => kind === 'end')).toBe(false);
  });

  it('end without the last frame', async ({ skip }) => {
    if (subject.last === '') return skip('its streams have no mark of an end: the last chunk is what tells');
    const result = await run(socket => void socket.write(Buffer.concat([head(subject), frames('a', 'b'), END])));
    expect(textOf(result)).toBe('ab');
    expect(result.error).toMatchObject({ code: 'WORKER_RESET' });
  });

  it('split UTF-8', async () => {
    const text = 'é大😀\u2028';
    const bytes = Buffer.concat([head(subject), frames(text), ...(subject.last ? [chunk(subject.last)] : []), END]);
    const from = bytes.indexOf(Buffer.from('é'));
    const within = Array.from({ length: Buffer.byteLength(text) + 2 }, (_unused, at) => from - 1 + at);
    for (const cuts of [
      ...within.map(cut => [cut]),
      Array.from({ length: bytes.length - 1 }, (_unused, at) => at + 1),
    ]) {
      expect(textOf(await run(socket => writeCut(socket, bytes, cuts)))).toBe(text);
    }
  });

  it('slow first token', async () => {
    const silent = await run(socket => void socket.write(head(subject)), { firstTokenTimeoutMs: 100 });
    expect(silent.error).toMatchObject({ code: 'DECODE_TIMEOUT' });
    const patient = await run(socket => void setTimeout(() => socket.write(whole()), 300), {
      firstTokenTimeoutMs: 30_000,
      idleTimeoutMs: 100,
    });
    expect(patient.error).toBeUndefined();
  });

  it('error inside a 200', async ({ skip }) => {
    if ('hole' in subject.errorIn200) return skip(subject.errorIn200.hole);
    const { code, answer } = subject.errorIn200;
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 200 /);
    const result = await replay(subject.errorIn200);
    expect(result.error).toMatchObject({ code });
    expect(result.events.some(({ kind }) => kind === 'end')).toBe(false);
  });

  it('tool calls', async ({ skip }) => {
    if ('hole' in subject.tools) return skip(subject.tools.hole);
    const { choices, usage } = toldReply((await replay(subject.tools)).events);
    const calls = choices[0]?.calls ?? [];
    expect(calls.map(({ name }) => name)).toEqual(subject.tools.calls);
    for (const { id, arguments: given } of calls) {
      expect(id).not.toBe('');
      expect(JSON.parse(given)).toEqual(expect.anything());
    }
    expect(usage?.finishReason).toBe('tool_calls');
  });

  it('reasoning', async ({ skip }) => {
    if ('hole' in subject.reasoning) return skip(subject.reasoning.hole);
    const { choices, usage } = toldReply((await replay(subject.reasoning)).events);
    expect(choices[0]?.reasoning).toContain(subject.reasoning.begins);
    expect(choices[0]?.reasoning).not.toBe('');
    expect(usage).toBeDefined();
  });

  it('embeddings', async ({ skip }) => {
    if ('hole' in subject.embeddings) return skip(subject.embeddings.hole);
    const { events, error } = await replay(subject.embeddings);
    expect(error).toBeUndefined();
    const [result, end] = events;
    if (result?.kind !== 'result' || end?.kind !== 'end') throw new Error('not a result and an end');
    const { data } = JSON.parse(result.data) as { data: { index: number; embedding: number[] }[] };
    expect(data.map(({ index }) => index)).toEqual([0, 1]);
    expect(new Set(data.map(({ embedding: vector }) => vector.length)).size).toBe(1);
    expect(result.data).not.toMatch(/"usage"|[\r\n]/);
    expect(end.usage.tokensIn).toBeGreaterThan(0);
  });

  it('rerank', async ({ skip }) => {
    if ('hole' in subject.rerank) return skip(subject.rerank.hole);
    const { events, error } = await replay(subject.rerank);
    expect(error).toBeUndefined();
    const [result] = events;
    if (result?.kind !== 'result') throw new Error('not a result');
    const { results } = JSON.parse(result.data) as { results: { index: number; relevance_score: number }[] };
    expect(results[0]).toMatchObject({
      index: expect.any(Number) as number,
      relevance_score: expect.any(Number) as number,
    });
  });
});

it('prints which case runs for which adapter, as docs/engines.md has it', () => {
  process.stdout.write(`\n${conformanceTable()}\n`);
});
