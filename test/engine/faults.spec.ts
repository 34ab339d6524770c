import { afterEach, describe, expect, it } from 'vitest';
import { CompletionClient } from './completion-client';
import { startEngine, type RunningEngine } from './engine';
import { parseFault, readFaults, type FaultSettings } from './faults';

let engine: RunningEngine;

afterEach(() => engine.stop());

async function start(faults: FaultSettings): Promise<void> {
  engine = await startEngine({ tokensPerSecond: 0, faults });
}

function complete(body: object = {}): CompletionClient {
  return new CompletionClient(engine.url, { n_predict: 10, seed: 1, ...body });
}

describe('a fault', () => {
  it('kill-after: the tokens arrive, then the connection closes in the middle', async () => {
    await start({ 'kill-after': 4 });
    const client = complete();
    expect(await client.ended).toBe('closed');
    expect(client.frames.map(frame => frame.tokens_predicted)).toEqual([1, 2, 3, 4]);
    expect(client.message.complete).toBe(false);
    expect(engine.stats()).toMatchObject({ faulted: 1, active: 0, aborted: 0 });
  });

  it('exit-after: every connection is gone, and the port', async () => {
    await start({ 'exit-after': 4 });
    const bystander = new CompletionClient(engine.url, { n_predict: 3, seed: 1 });
    await bystander.ended;
    expect(bystander.frames.at(-1)).toMatchObject({ stop: true });
    const client = complete();
    expect(await client.ended).not.toBe('complete');
    expect(client.frames).toHaveLength(4);
    await expect(fetch(`${engine.url}/health`)).rejects.toThrow();
  });

  it('stall-after: silence on an open connection, until it is taken back', async () => {
    await start({ 'stall-after': 4 });
    const client = complete();
    await engine.until(({ tokens }) => tokens === 4);
    expect(
      await Promise.race([client.ended, engine.until(({ tokens }) => tokens > 4, 200).catch(() => 'silence')]),
    ).toBe('silence');
    expect(client.frames).toHaveLength(4);
    expect(engine.stats().active).toBe(1);
    engine.control({ faults: {} });
    expect(await client.ended).toBe('complete');
    expect(client.frames).toHaveLength(11);
  });

  it('error-field: a field `error` in place of the last frame, and a clean end', async () => {
    await start({ 'error-field': 2 });
    const client = complete();
    expect(await client.ended).toBe('complete');
    const { body } = client.message;
    expect(body).toMatch(/^error: \{"code":500,.*"type":"exceed_context_size_error"\}$/m);
    expect(body.match(/^data: /gm)).toHaveLength(2);
  });

  it('wedge: nobody is answered and nothing is sent or noticed, until it is taken back', async () => {
    await start({});
    engine.control({ tokensPerSecond: 50 });
    const [client, gone] = [complete({ n_predict: 1000 }), complete({ n_predict: 1000 })];
    await engine.until(({ tokens }) => tokens >= 4);
    engine.control({ faults: { wedge: Infinity } });
    const health = fetch(`${engine.url}/health`);
    gone.leave();
    const late = complete();
    const something = [health, late.ended, client.ended, engine.until(({ active }) => active < 2, 200)];
    const first = await Promise.race(something.map(each => each.then(() => 'something').catch(() => 'silence')));
    expect([first, late.bytes]).toEqual(['silence', 0]);
    // What was due when it began has been sent by now.
    const { tokens: sent } = engine.stats();
    expect(await engine.until(({ tokens }) => tokens > sent, 200).catch(() => 'silence')).toBe('silence');
    engine.control({ faults: {}, tokensPerSecond: 0 });
    expect((await health).status).toBe(200);
    expect(await Promise.all([client.ended, late.ended])).toEqual(['complete', 'complete']);
    await engine.until(({ active, aborted }) => active === 0 && aborted === 1);
  });

  it('stall-prefill: a slot is taken and nothing is sent', async () => {
    await start({ 'stall-prefill': 1 });
    const client = complete();
    await engine.until(({ started }) => started === 1);
    expect(await complete().ended).toBe('complete');
    expect(client.bytes).toBe(0);
    expect(engine.stats().active).toBe(1);
  });

  it('reset: no byte, and a TCP reset', async () => {
    await start({ reset: Infinity });
    const client = complete();
    expect(await client.ended).toBe('reset');
    expect(client.bytes).toBe(0);
  });

  it.each([
    ['503', 503, 'application/json; charset=utf-8'],
    ['429', 429, 'application/json; charset=utf-8'],
    ['400', 400, 'application/json; charset=utf-8'],
    ['context-500', 500, 'application/json; charset=utf-8'],
    ['html', 200, 'text/html'],
  ] as const)('%s: that answer', async (name, status, contentType) => {
    await start({ [name]: Infinity });
    const client = complete();
    expect(await client.ended).toBe('complete');
    expect(client.message.status).toBe(status);
    expect(client.message.headers['content-type']).toBe(contentType);
    expect(engine.stats()).toMatchObject({ started: 0, faulted: 1 });
  });

  it('strikes as often as it was told', async () => {
    await start({ '503': 2 });
    const statuses: number[] = [];
    for (let round = 0; round < 4; round++) {
      const client = complete();
      await client.ended;
      statuses.push(client.message.status);
    }
    expect(statuses).toEqual([503, 503, 200, 200]);
  });

  it.each([
    [Infinity, 10],
    [3, 3],
    [0, 0],
  ])('eof=%d: a clean end without the final frame', async (eof, tokens) => {
    await start({ eof });
    const client = complete();
    expect(await client.ended).toBe('complete');
    expect(client.message.headers['content-type']).toBe('text/event-stream');
    expect(client.frames).toHaveLength(tokens);
    expect(client.frames.some(({ stop }) => stop)).toBe(false);
  });

  it('garbage: a frame that is no JSON, among good ones', async () => {
    await start({ garbage: 2 });
    const client = complete();
    await client.ended;
    const lines = client.message.body.split('\n\n').filter(Boolean);
    const broken = lines.flatMap((line, at) => (isJson(line.slice(6)) ? [] : at));
    expect(broken).toEqual([2]);
    expect(lines).toHaveLength(10 + 1 + 1);
  });

  it('huge-line: one line of that size, made while it is read', async () => {
    await start({ 'huge-line': 20_000_000 });
    const { status, body } = await fetch(`${engine.url}/completion`, {
      method: 'POST',
      body: JSON.stringify({ prompt: 'Hello', n_predict: 2, stream: true }),
    });
    expect(status).toBe(200);
    let bytes = 0;
    for await (const piece of body ?? []) bytes += (piece as Uint8Array).length;
    expect(bytes).toBeGreaterThan(20_000_000);
    expect(bytes).toBeLessThan(20_010_000);
  });

  it('huge-line: nobody is needed to read it to the end', async () => {
    await start({ 'huge-line': Number.MAX_SAFE_INTEGER });
    const client = complete();
    await engine.until(({ started }) => started === 1);
    client.leave();
    await engine.until(({ active, aborted }) => active === 0 && aborted === 1);
  });

  it('slow-headers: nothing for that long', async () => {
    await start({ 'slow-headers': 150 });
    const startMs = performance.now();
    expect(await complete().ended).toBe('complete');
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(149);
  });

  it.each(['kill-after', 'eof', 'garbage'] as const)('%s concerns a plain answer as well', async name => {
    await start({ [name]: 2 });
    const client = complete({ stream: false });
    expect(await client.ended).toBe(name === 'kill-after' ? 'closed' : 'complete');
    expect(isJson(client.message.body)).toBe(name === 'garbage');
  });
});

describe('the control route', () => {
  const control = (body: unknown) => fetch(`${engine.url}/__control`, { method: 'POST', body: JSON.stringify(body) });

  it('shows and changes what is on', async () => {
    await start({ 'kill-after': 4 });
    expect(await (await control({ faults: { html: true }, tokensPerSecond: 7 })).json()).toEqual({
      tokensPerSecond: 7,
      prefillMs: 0,
      noticeMs: 0,
      loading: false,
      brokenModels: [],
      faults: { html: true },
    });
    expect(await (await control({ loading: true })).json()).toMatchObject({
      tokensPerSecond: 7,
      loading: true,
      faults: { html: true },
    });
    expect(await (await fetch(`${engine.url}/__control`)).json()).toMatchObject({ loading: true });
    expect((await fetch(`${engine.url}/health`)).status).toBe(503);
  });

  it.each([
    [{ faults: { fire: true } }, 'unknown fault "fire"'],
    [{ faults: { 'kill-after': true } }, 'needs a number of tokens'],
    [{ faults: [] }, 'faults must be an object'],
    [{ loading: 'yes' }, 'loading must be true or false'],
    [{ speed: 1 }, 'unknown control "speed"'],
    [{ prefillMs: -1 }, 'prefillMs must be a number'],
  ])('refuses %j', async (body, reason) => {
    await start({});
    const answer = await control(body);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(reason.replaceAll('"', '\\"'));
  });

  it('the stats show what was asked, the newest 50', async () => {
    await start({});
    for (let round = 0; round < 53; round++) await complete({ n_predict: 1, round }).ended;
    const { requests } = (await (await fetch(`${engine.url}/__stats`)).json()) as ReturnType<RunningEngine['stats']>;
    expect(requests).toHaveLength(50);
    expect(requests[0]).toMatchObject({ method: 'POST', path: '/completion', body: { round: 3 } });
    expect(requests[49]?.headers).toMatchObject({ 'content-type': 'application/json', host: new URL(engine.url).host });
  });
});

describe('the words for a fault', () => {
  it('are a name and a number', async () => {
    await start({});
    expect(parseFault('kill-after=20')).toEqual({ 'kill-after': 20 });
    expect(parseFault('html')).toEqual({ html: Infinity });
    expect(parseFault('eof')).toEqual({ eof: Infinity });
    expect(readFaults({ html: false, '503': 2 })).toEqual({ '503': 2 });
    for (const wrong of ['kill-after', 'kill-after=', 'kill-after=x', 'kill-after=-1', 'toString']) {
      expect(() => parseFault(wrong)).toThrow();
    }
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
