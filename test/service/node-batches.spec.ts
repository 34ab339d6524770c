import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { RedisContents } from '../../src/storage/redis/redis-contents';
import { startEngine, type RunningEngine } from '../engine/engine';
import { BatchClient, chatLine, type BatchSeen } from '../support/batch-client';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import { hasRedisServer } from '../support/redis-server';
import { closeStores, openStore } from '../support/redis-store';
import type { RunningService } from '../support/service';
import { ask, TwoNodes } from '../support/two-nodes';

const SLOTS = 4;
const LINES = 60;
/** A line takes some 300 ms. */
const SLOW = { tokensPerSecond: 15 };
/** The engine begins no further request until it is told to. */
const STALLED = { faults: { 'stall-prefill': Infinity } };
const FAST = { tokensPerSecond: 0, faults: {} };
/** Requests that the engine begins before it stalls, of which those in the middle have ended. */
const BEGUN = 10;

describe.skipIf(!hasRedisServer())('a batch of two nodes over one store', { timeout: 4 * LAST_RESORT_MS }, () => {
  let engine: RunningEngine;
  let nodes: TwoNodes;
  let a: BatchClient;
  let b: BatchClient;

  beforeEach(async () => {
    engine = await startEngine({ wire: 'vllm', model: 'some-model', slots: SLOTS, ...SLOW });
    nodes = await TwoNodes.start({
      ORCHD_ENGINE_URLS: `vllm=${engine.url}`,
      ORCHD_ENGINE_SLOTS: String(SLOTS),
      ORCHD_STORE_LEASE_MS: '2000',
      ORCHD_BATCH_WINDOW_MIN_MS: '1',
      ORCHD_SHUTDOWN_GRACE_MS: '1000',
    });
    await nodes.ready('vllm');
    [a, b] = [new BatchClient(nodes.a.url), new BatchClient(nodes.b.url)];
  });
  afterEach(async () => {
    nodes.a.signal('SIGCONT');
    await nodes.stop();
    await engine.stop();
  });

  const begin = (more: object = {}): Promise<BatchSeen> =>
    a.begin(
      Array.from({ length: LINES }, (_, at) => chatLine(`line-${at + 1}`)),
      more,
    );
  /** One that comes to its middle, and no further before the engine is told to be fast, however slow the machine is. */
  const beginHalf = async (): Promise<BatchSeen> => {
    const batch = await begin();
    await engine.until(({ started }) => started >= BEGUN);
    engine.control(STALLED);
    return batch;
  };
  const inTheMiddle = ({ request_counts: { completed } }: BatchSeen): boolean => completed >= 5;
  const logged = (node: RunningService, event: string): Promise<unknown> =>
    node.waitForLog(line => line['event'] === event);

  /** Each line once, in one of its files, and the counts say in which. */
  async function judge(client: BatchClient, batch: BatchSeen): Promise<readonly [output: number, errors: number]> {
    const [output, errors] = [await client.results(batch.output_file_id), await client.results(batch.error_file_id)];
    const ids = [...output, ...errors].map(({ custom_id: id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([LINES, LINES]);
    expect(batch.request_counts).toEqual({ total: LINES, completed: output.length, failed: errors.length });
    return [output.length, errors.length];
  }

  it('is told of, listed and held by either while one runs it, and its file is not deleted at the other (B-ND-014)', async () => {
    const { id, input_file_id: fileId } = (await beginHalf()) as BatchSeen & { input_file_id: string };
    const seen = await b.until(id, inTheMiddle);
    expect([seen.status, seen.request_counts.total, seen.output_file_id]).toEqual(['in_progress', LINES, null]);
    expect(seen.usage.output_tokens).toBeGreaterThan(0);
    expect((await b.list()).data.map(batch => batch.id)).toEqual([id]);
    const refused = await ask(nodes.b, 'DELETE', `/v1/files/${fileId}`);
    expect([refused.status, refused.text]).toEqual([409, expect.stringContaining(id)]);
    engine.control(FAST);
    const done = await b.untilEnded(id);
    expect(await a.get(id)).toEqual(done);
    expect([done.status, await judge(b, done)]).toEqual(['completed', [LINES, 0]]);
    await b.remove(fileId);
  });

  it('is made of a file that is deleted at the other in the same moment, or is not: one of both is refused (B-BAT-009)', async () => {
    // No batch has ended before its file is to be deleted, however long that takes: one that has lets it go.
    engine.control(STALLED);
    const made: string[] = [];
    const outcomes = new Set<string>();
    for (let round = 0; round < 40; round++) {
      const fileId = await a.upload(chatLine('line'));
      const body = { input_file_id: fileId, endpoint: '/v1/chat/completions', completion_window: '24h' };
      const making = ask(nodes.a, 'POST', '/v1/batches', body);
      const [batch, removed] = await Promise.all([making, ask(nodes.b, 'DELETE', `/v1/files/${fileId}`)]);
      outcomes.add(`${batch.status} ${removed.status}`);
      if (batch.status === 200) made.push(String(batch.json()['id']));
    }
    engine.control(FAST);
    for (const outcome of outcomes) expect(['200 409', '404 200']).toContain(outcome);
    for (const id of made)
      expect((await b.untilEnded(id)).request_counts).toEqual({ total: 1, completed: 1, failed: 0 });
  });

  it('is cancelled at the other: its lines leave the engine, and each is in a file once (B-ND-016)', async () => {
    const { id } = await beginHalf();
    await engine.until(({ active }) => active > 0);
    expect((await b.cancel(id)).status).toMatch(/^cancell(ing|ed)$/);
    expect((await a.get(id)).status).toMatch(/^cancell(ing|ed)$/);
    await engine.until(({ active }) => active === 0);
    const done = await b.untilEnded(id);
    expect(done.status).toBe('cancelled');
    const [, errors] = await judge(b, done);
    expect(errors).toBeGreaterThan(0);
    expect((await b.cancel(id)).status).toBe('cancelled');
    expect(await a.get(id)).toEqual(done);
  });

  it('goes on at the other once its node is killed: each line once, none failed (B-ND-014)', async () => {
    const { id } = await beginHalf();
    await b.until(id, inTheMiddle);
    await nodes.a.stop('SIGKILL');
    await logged(nodes.b, 'batch_adopted');
    engine.control(FAST);
    const done = await b.untilEnded(id);
    expect([done.status, await judge(b, done)]).toEqual(['completed', [LINES, 0]]);
    expect(done.usage.output_tokens).toBe(4 * LINES);
  });

  it('that was cancelled at the other while its node was killed ends as cancelled there, with nothing left on the engine (B-ND-016)', async () => {
    const { id } = await beginHalf();
    await b.until(id, inTheMiddle);
    nodes.a.signal('SIGSTOP');
    expect((await b.cancel(id)).status).toBe('cancelling');
    await nodes.a.stop('SIGKILL');
    const done = await b.untilEnded(id);
    expect(done.status).toBe('cancelled');
    await judge(b, done);
    await engine.until(({ active }) => active === 0);
  });

  it.each(['in the middle of it', 'after it has ended'])(
    'of a node that is stopped is run by the other; what comes back %s writes nothing (B-ND-015)',
    async when => {
      const { id } = await beginHalf();
      await b.until(id, inTheMiddle);
      nodes.a.signal('SIGSTOP');
      await logged(nodes.b, 'batch_adopted');
      if (when === 'after it has ended') {
        engine.control(FAST);
        await b.untilEnded(id);
      }
      nodes.a.signal('SIGCONT');
      await logged(nodes.a, 'batch_left');
      engine.control(FAST);
      const done = await b.untilEnded(id);
      expect([done.status, await judge(b, done)]).toEqual(['completed', [LINES, 0]]);
      // The store may have hung up on it meanwhile: until it is back there it refuses, and says so.
      const seen = await eventually(
        () => a.get(id).catch(() => undefined),
        found => found !== undefined,
      );
      expect(seen).toEqual(done);
      const content = await b.content(done.output_file_id ?? '');
      // Whatever it had under way is over once it takes and runs another.
      await a.untilEnded((await begin()).id);
      expect(await b.content(done.output_file_id ?? '')).toBe(content);
    },
  );

  it('whose store has lost of its files, as a failover may, goes on by what is left: each line once (B-ND-014)', async () => {
    const { id } = await beginHalf();
    await b.until(id, inTheMiddle);
    const { store, config } = await openStore(nodes.redis, {}, 'orchestratord');
    onTestFinished(closeStores);
    const text = String(await store.call('HGET', `${store.prefix}:r:batch:${id}`, 'text'));
    const { outputFileId } = JSON.parse(text) as { outputFileId: string };
    // In the middle of its third line.
    const lines = await new RedisContents(config, store).read(outputFileId, 0, 100_000);
    const third = String(lines).split('\n').slice(0, 2).join('\n').length + 100;
    await new RedisContents(config, store).truncate(outputFileId, third);
    // It is noticed with the next result.
    engine.control(FAST);
    await Promise.race([nodes.a, nodes.b].map(node => logged(node, 'batch_adopted')));
    const done = await b.untilEnded(id);
    expect([done.status, await judge(b, done)]).toEqual(['completed', [LINES, 0]]);
  });

  it('of a node that is told to end goes on at the other at once (B-ND-014)', async () => {
    const { id } = await beginHalf();
    await b.until(id, inTheMiddle);
    const ended = nodes.a.stop('SIGTERM');
    await logged(nodes.b, 'batch_adopted');
    engine.control(FAST);
    const done = await b.untilEnded(id);
    await ended;
    expect([done.status, await judge(b, done)]).toEqual(['completed', [LINES, 0]]);
  });

  it('whose window ends after its node was killed is ended by the one that has it (B-ND-014)', async () => {
    const { id } = await begin({ completion_window: '10s' });
    await engine.until(({ started }) => started >= BEGUN);
    engine.control(STALLED);
    await nodes.a.stop('SIGKILL');
    await logged(nodes.b, 'batch_adopted');
    const done = await b.untilEnded(id);
    expect(done.status).toBe('expired');
    await judge(b, done);
  });
});
