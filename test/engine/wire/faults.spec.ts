import { afterEach, describe, expect, it } from 'vitest';
import type { HttpMessage } from '../../support/http-message';
import { CompletionClient } from '../completion-client';
import { startEngine, type RunningEngine } from '../engine';
import { ask } from '../engine-client';
import type { FaultSettings } from '../faults';
import { faultRows, type Answer, type FaultRow } from './fault-table';

let engine: RunningEngine;

afterEach(async () => {
  await engine.until(({ active, deferred }) => active === 0 && deferred === 0);
  await engine.stop();
});

async function start(row: FaultRow, faults: FaultSettings, more: FaultRow['options'] = {}): Promise<void> {
  engine = await startEngine({ tokensPerSecond: 0, slots: 2, ...row.options, ...more, faults });
}

const send = (row: FaultRow) => ask(engine.url, 'POST', row.path, row.body);

function answers({ status, body }: HttpMessage, [wanted, holds]: Answer): void {
  expect(body).toMatch(holds);
  expect(status).toBe(wanted);
}

/** Whether a stream came to the end that its API gives it. */
const isWhole = ({ end }: FaultRow, { body, complete }: HttpMessage) => complete && (end?.test(body) ?? true);

describe.each(faultRows)('$name', row => {
  it('without a fault: a stream that is whole', async () => {
    await start(row, {});
    expect(isWhole(row, await send(row))).toBe(true);
    expect(engine.stats()).toMatchObject({ started: 1, finished: 1, tokens: 8 });
  });

  it('503, 429, 400: refused in its own words', async () => {
    await start(row, { '503': 1 });
    answers(await send(row), row.unavailable);
    engine.control({ faults: { '429': 1 } });
    const tooMany = await send(row);
    answers(tooMany, row.tooMany);
    expect('retry-after' in tooMany.headers).toBe(row.retryAfter);
    engine.control({ faults: { '400': 1 } });
    answers(await send(row), row.bad);
  });

  it('a prompt that is too long', async () => {
    await start(row, {}, { ctxTokens: 9 });
    answers(await send(row), row.tooLong);
  });

  it('reset and kill-after: no byte, or a body that never ends', async () => {
    await start(row, { reset: 1 });
    const reset = new CompletionClient(engine.url, row.body, row.path);
    expect([await reset.ended, reset.bytes]).toEqual(['reset', 0]);
    engine.control({ faults: { 'kill-after': 4 } });
    const killed = await send(row);
    expect([killed.status, killed.complete]).toEqual([200, false]);
    expect(isWhole(row, killed)).toBe(false);
  });

  it('stall-prefill and stall-after: silence before, and after, the first token', async () => {
    await start(row, { 'stall-prefill': 1 });
    const before = new CompletionClient(engine.url, row.body, row.path);
    await engine.until(({ started }) => started === 1);
    expect(before.message.body).toBe('');
    engine.control({ faults: { 'stall-after': 3 } });
    expect(await Promise.race([before.ended, engine.until(({ tokens }) => tokens === 8)])).toBeTruthy();
    const after = send(row);
    await engine.until(({ tokens }) => tokens === 11);
    engine.control({ faults: {} });
    expect(isWhole(row, await after)).toBe(true);
  });

  it('error-after: the engine fails in the middle of a stream', async () => {
    await start(row, { 'error-after': 3 });
    const { status, complete, chunks = [] } = await send(row);
    expect([status, complete]).toEqual([200, true]);
    const marks = row.failed.source.includes('DONE') ? 2 : 1;
    expect(chunks.slice(-marks).join('')).toMatch(row.failed);
  });

  it('engine-dead: each request fails', async () => {
    await start(row, { 'engine-dead': 1 });
    answers(await send(row), row.dead);
  });

  it('eof: a clean end without what ends it', async () => {
    await start(row, { eof: 3 });
    const cut = await send(row);
    expect([cut.status, cut.complete]).toEqual([200, true]);
    if (row.end) expect(cut.body).not.toMatch(row.end);
    engine.control({ faults: { eof: Infinity } });
    const unended = await send(row);
    if (row.end) expect(unended.body).not.toMatch(row.end);
  });

  it('split-utf8: chunks are cut within characters, the whole is the same', async () => {
    const vocabulary = [' flux', ' 流れ', ' 🌊', ' café'];
    await start(row, {}, { vocabulary });
    const whole = await send(row);
    engine.control({ faults: { 'split-utf8': 1 } });
    const split = await send(row);
    expect(split.chunks?.length).toBeGreaterThan(whole.chunks?.length ?? 0);
    expect(split.chunks?.some(chunk => chunk.includes('\uFFFD'))).toBe(true);
    expect(split.body).not.toContain('\uFFFD');
    expect(isWhole(row, split)).toBe(true);
  });

  it('garbage and huge-line: a frame that is no JSON, and one that is long', async () => {
    await start(row, { garbage: 2 });
    expect((await send(row)).body).toContain(' bro\n');
    engine.control({ faults: { 'huge-line': 200_000 } });
    const { body } = await send(row);
    const longest = body.split('\n').sort((a, b) => b.length - a.length)[0] ?? '';
    expect(longest.length).toBeGreaterThan(200_000);
    expect(() => JSON.parse(longest.replace(/^data: /, '')) as unknown).not.toThrow();
  });

  it('a client that leaves in the stream frees its slot', async () => {
    await start(row, {}, { tokensPerSecond: 5 });
    const client = new CompletionClient(engine.url, row.body, row.path);
    await engine.until(({ tokens }) => tokens >= 2);
    client.leave();
    await engine.until(({ active, aborted }) => active === 0 && aborted === 1);
  });
});

it.each(faultRows.filter(({ name }) => /^(llamacpp|vllm|tgi)/.test(name)))('$name: comments in silence', async row => {
  await start(row, { 'stall-after': 2 }, { keepAliveMs: 20 });
  const client = new CompletionClient(engine.url, row.body, row.path);
  const deadline = setInterval(() => engine.control({}), 10);
  await engine.until(() => /^:.*\n\n/m.test(client.message.body));
  clearInterval(deadline);
  engine.control({ faults: {} });
  expect(await client.ended).toBe('complete');
});
