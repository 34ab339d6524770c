import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RedisContents } from '../../src/storage/redis/redis-contents';
import { startEngine, type RunningEngine } from '../engine/engine';
import { BatchClient } from '../support/batch-client';
import { eventually, LAST_RESORT_MS } from '../support/deadline';
import { hasRedisServer } from '../support/redis-server';
import { closeStores, openStore } from '../support/redis-store';
import { startService, type RunningService } from '../support/service';
import { TaskClient } from '../support/task-client';
import { ask, told, TwoNodes } from '../support/two-nodes';

/* What each node tells, and takes, of what the other was told: one pair for all of it. */

const SLOTS = 2;
const LONG = { max_tokens: 100_000, deadline_ms: 600_000 };

describe.skipIf(!hasRedisServer())('two nodes over one store', { timeout: 3 * LAST_RESORT_MS }, () => {
  let engine: RunningEngine;
  let nodes: TwoNodes;
  let a: TaskClient;
  let b: TaskClient;

  beforeAll(async () => {
    engine = await startEngine({ slots: SLOTS, tokensPerSecond: 100 });
    nodes = await TwoNodes.start({ ORCHD_LLAMACPP_URL: engine.url });
    await nodes.ready('default');
    [a, b] = [new TaskClient(nodes.a), new TaskClient(nodes.b)];
    for (const tasks of [a, b]) await tasks.slotsFree(SLOTS);
  });
  afterAll(async () => {
    await nodes.stop();
    await engine.stop();
  });

  const cancelAll = async (ids: readonly string[]): Promise<void> => {
    for (const id of ids) await ask(nodes.b, 'POST', `/v2/tasks/${id}/cancel`);
    for (const id of ids) await a.reached(id, 'cancelled');
    for (const tasks of [a, b]) await tasks.slotsFree(SLOTS);
  };
  const artifacts = async (node: RunningService, kind: string): Promise<readonly string[]> =>
    ((await told(node, 'GET', `/v2/artifacts?kind=${kind}`)) as { items: { id: string }[] }).items.map(({ id }) => id);

  it('count each what it did, and both what is queued and how engines are (B-ND-024)', async () => {
    const [ranAtA, ranAtB] = [2, 3];
    const before = await bothFigures(nodes);
    for (const [tasks, count] of [
      [a, ranAtA],
      [b, ranAtB],
    ] as const)
      for (let at = 0; at < count; at++) await tasks.reached(await tasks.submit({ max_tokens: 7 }), 'completed');
    const runs = [await a.submit(LONG), await b.submit(LONG)];
    await engine.until(({ active }) => active === SLOTS);
    const waits = [await a.submit(LONG), await a.submit(LONG), await b.submit(LONG)];
    const grownBy = (now: readonly [Figures, Figures], name: string): readonly [number, number] => [
      sum(now[0], name) - sum(before[0], name),
      sum(now[1], name) - sum(before[1], name),
    ];
    const inAll = ([atA, atB]: readonly [number, number]): number => atA + atB;
    const after = await eventually(
      () => bothFigures(nodes),
      now =>
        inAll(grownBy(now, 'tasks_started_total')) === ranAtA + ranAtB + SLOTS &&
        now.every(each => sum(each, 'queue_depth') === waits.length && series(each, 'model_state').length > 0),
    );
    // Counters: each node those that it took in, or ran; together all.
    expect(grownBy(after, 'tasks_enqueued_total')).toEqual([ranAtA + 3, ranAtB + 2]);
    expect(inAll(grownBy(after, 'tokens_out_total'))).toBe(7 * (ranAtA + ranAtB));
    // Of pools each tells all.
    expect(series(after[0], 'model_state')).toEqual(series(after[1], 'model_state'));
    await cancelAll([...waits, ...runs]);
    for (const node of [nodes.a, nodes.b])
      await eventually(
        () => figuresOf(node),
        figures => sum(figures, 'queue_depth') === 0,
      );
  });

  it('keep documents and transcripts for each other: read, listed and deleted at either (B-ND-025)', async () => {
    const { id } = await told(nodes.a, 'POST', '/v2/artifacts', { title: 'é', items: [1, 2] });
    const again = await told(nodes.b, 'POST', '/v2/artifacts', { items: [1.0, 2], title: 'é' });
    expect(again['id']).toBe(id);
    expect(await told(nodes.b, 'GET', `/v2/artifacts/${String(id)}`)).toEqual({ title: 'é', items: [1, 2] });
    const task = await a.submit({ max_tokens: 3 });
    const ended = await b.reached(task, 'completed');
    const transcript = String(ended['transcript_artifact_id']);
    const text = await ask(nodes.b, 'GET', `/v2/artifacts/${transcript}`);
    expect(text.text).toContain(task);
    expect((await ask(nodes.a, 'GET', `/v2/artifacts/${transcript}`)).text).toBe(text.text);
    for (const node of [nodes.a, nodes.b]) {
      expect(await artifacts(node, 'document')).toEqual([id]);
      expect(await artifacts(node, 'transcript')).toContain(transcript);
    }
    await ask(nodes.b, 'DELETE', `/v2/artifacts/${String(id)}`);
    expect((await ask(nodes.a, 'GET', `/v2/artifacts/${String(id)}`)).status).toBe(404);
    expect(await artifacts(nodes.a, 'document')).toEqual([]);
  });

  it('predict starts by what waits at all, and count places alike (B-ND-026)', async () => {
    // Both have learned of the pace by now. What runs has as much to do as what waits.
    const each = { max_tokens: 1000, deadline_ms: 600_000 };
    const ids = [await a.submit(each), await b.submit(each)];
    await engine.until(({ active }) => active === SLOTS);
    const starts: number[] = [];
    for (const [at, tasks] of [a, b, a, b, a, b].entries()) {
      const answer = await tasks.post(each);
      const admitted = answer.json<{ task_id: string; queue_position: number; predicted_start_ms: number }>();
      expect([answer.status, admitted.queue_position]).toEqual([202, at]);
      ids.push(admitted.task_id);
      starts.push(admitted.predicted_start_ms);
    }
    // Two slots, each of which a task holds for the same time: whoever is four places farther back waits for two tasks more.
    const longer = [0, 1].map(at => (starts[at + 4] ?? 0) - (starts[at] ?? 0));
    for (const ms of longer) expect(ms).toBeGreaterThan(1000);
    await cancelAll(ids);
  });

  it('predict the same start, whichever of them runs what is before it: a long task and a short one (B-ND-029)', async () => {
    const long = await a.submit(LONG);
    const short = await a.submit({ max_tokens: 6000, deadline_ms: 600_000 });
    await engine.until(({ active }) => active === SLOTS);
    const each = { max_tokens: 500, deadline_ms: 600_000 };
    const ids = [long, short];
    for (let at = 0; at < 4; at++) ids.push(await a.submit(each));
    const lastAt = async (tasks: TaskClient): Promise<number> => {
      const answer = await tasks.post(each);
      const { task_id: id, predicted_start_ms: startMs } = answer.json<{
        task_id: string;
        predicted_start_ms: number;
      }>();
      await ask(nodes.a, 'POST', `/v2/tasks/${id}/cancel`);
      return startMs;
    };
    // Each is behind the same four; what A runs B hears within a second or two, and A has it from itself.
    const [atA, atB] = await eventually(
      async () => [await lastAt(a), await lastAt(b)] as const,
      ([one, other]) => Math.abs(other - one) < 0.05 * one,
    );
    // All before it wait for the short one alone: 6,000 tokens and 2,000 at 100 a second, less what has run. Half of what waits in the mean is 250.
    for (const startMs of [atA, atB]) expect(startMs).toBeGreaterThan(60_000);
    await cancelAll(ids);
  });

  it('know of a pool what any of them has measured (B-ND-030)', async () => {
    const other = await startEngine({ slots: 1, tokensPerSecond: 100 });
    try {
      const body = { pool_id: 'new', replica_id: 'r0', engine: 'llamacpp', url: other.url, ttl_ms: 60_000 };
      const headers = { Authorization: 'Bearer worker-token' };
      expect((await nodes.a.request('POST', '/v2/workers/register', { body, headers })).status).toBeLessThan(300);
      await nodes.ready('new');
      await b.slotsFree(1, 'new');
      const pinned = { placement: { pin_pool_id: 'new' }, max_tokens: 5 };
      const basisAtB = async (): Promise<unknown> => {
        const { task_id: id, predicted_start: start } = (await b.post({ ...pinned, ...LONG })).json<Told>();
        await ask(nodes.b, 'POST', `/v2/tasks/${id}/cancel`);
        await b.reached(id, 'cancelled');
        return start.basis;
      };
      expect(await basisAtB()).toBe('assumed');
      await other.until(({ active }) => active === 0);
      await a.slotsFree(1, 'new');
      // They run where they are taken in.
      for (let at = 0; at < 3; at++) await a.reached(await a.submit(pinned), 'completed');
      await eventually(basisAtB, basis => basis === 'measured');
    } finally {
      await ask(nodes.a, 'DELETE', '/v2/workers/new/r0');
      await other.stop();
    }
  });

  it('have one catalogue, and tell the same of a session (B-ND-025)', async () => {
    await told(nodes.a, 'POST', '/v2/catalog/models', { id: 'm-1', digest: 'sha256:'.padEnd(71, 'a') });
    expect(await told(nodes.b, 'GET', '/v2/catalog/models/m-1')).toEqual(
      await told(nodes.a, 'GET', '/v2/catalog/models/m-1'),
    );
    await ask(nodes.b, 'DELETE', '/v2/catalog/models/m-1');
    for (const tasks of [a, b])
      await tasks.reached(await tasks.submit({ session_id: 'ada', max_tokens: 5 }), 'completed');
    const [atA, atB] = [await told(nodes.a, 'GET', '/v2/sessions/ada'), await told(nodes.b, 'GET', '/v2/sessions/ada')];
    const { ttl_ms_remaining: _left, ...rest } = atA;
    expect(atB).toMatchObject(rest);
    expect(atA['turns']).toBe(2);
    expect((await ask(nodes.b, 'DELETE', '/v2/sessions/ada')).status).toBe(204);
    expect(await told(nodes.a, 'GET', '/v2/sessions/ada')).toMatchObject({ turns: 0 });
  });

  it('use what the other was told of engines: registered, drained, unbound (B-ND-004)', async () => {
    const other = await startEngine({ slots: 1, tokensPerSecond: 100 });
    const capabilities = async (node: RunningService): Promise<string> =>
      (await ask(node, 'GET', '/v2/meta/capabilities')).text;
    const bothSay = (wanted: (text: string) => boolean): Promise<readonly string[]> =>
      eventually(
        () => Promise.all([nodes.a, nodes.b].map(capabilities)),
        texts => texts.every(wanted) && texts[0] === texts[1],
      );
    try {
      const body = { pool_id: 'gpu', replica_id: 'r0', engine: 'llamacpp', url: other.url, ttl_ms: 60_000 };
      const headers = { Authorization: 'Bearer worker-token' };
      expect((await nodes.b.request('POST', '/v2/workers/register', { body, headers })).status).toBeLessThan(300);
      await nodes.ready('gpu');
      await bothSay(text => text.includes('"gpu"'));
      await b.reached(await a.submit({ placement: { pin_pool_id: 'gpu' }, max_tokens: 2 }), 'completed');
      expect(other.stats().started).toBe(1);

      await told(nodes.b, 'POST', '/v2/pools/gpu/drain', { deadline_ms: 60_000 });
      await eventually(
        () => told(nodes.a, 'GET', '/v2/pools/gpu/health'),
        ({ draining }) => draining === true,
      );
      expect((await a.post({ placement: { pin_pool_id: 'gpu' }, max_tokens: 2 })).status).not.toBe(202);
      await told(nodes.a, 'POST', '/v2/pools/gpu/undrain');
      await eventually(
        () => told(nodes.b, 'GET', '/v2/pools/gpu/health'),
        ({ draining }) => draining === false,
      );
      await nodes.ready('gpu');
      await a.reached(await b.submit({ placement: { pin_pool_id: 'gpu' }, max_tokens: 2 }), 'completed');

      await ask(nodes.a, 'DELETE', '/v2/workers/gpu/r0');
      await bothSay(text => !text.includes('"gpu"'));
      for (const node of [nodes.a, nodes.b]) expect((await ask(node, 'GET', '/v2/pools/gpu')).status).toBe(404);
    } finally {
      await other.stop();
    }
  });

  it('forget what has ended once its time is over, as the node that started last has it (B-ND-025)', async () => {
    const task = await a.submit({ max_tokens: 3 });
    await a.reached(task, 'completed');
    const paths = [`/v2/tasks/${task}`, `/v2/tasks/${task}/events`];
    const statuses = (node: RunningService): Promise<readonly number[]> =>
      Promise.all(paths.map(async path => (await ask(node, 'GET', path)).status));
    for (const node of [nodes.a, nodes.b]) expect(await statuses(node)).toEqual([200, 200]);
    await stray(nodes, 'file-stray');
    const last = await startService({ env: { ...nodes.settings, ORCHD_TASK_RETENTION_MS: '1' } });
    try {
      // By its start, too (B-FIL-004).
      await last.waitForLog(({ event }) => event === 'file_swept');
      expect(last.logs().filter(({ level }) => level === 'error')).toEqual([]);
      for (const node of [nodes.a, nodes.b, last])
        await eventually(
          () => statuses(node),
          each => each.every(status => status === 404),
        );
    } finally {
      await last.stop('SIGKILL');
    }
  });
});

interface Told {
  readonly task_id: string;
  readonly predicted_start: { readonly basis: string };
}

/** What an upload has left that was broken off long ago, beside a file. */
async function stray({ redis, a }: TwoNodes, id: string): Promise<void> {
  await new BatchClient(a.url).upload('{}');
  const { store, config } = await openStore(redis, {}, 'orchestratord');
  onTestFinished(closeStores);
  await new RedisContents(config, store).append(id, 0, Buffer.from('x'));
  await store.call('ZINCRBY', `${store.prefix}:fk`, String(-3_600_000), id);
}

/** Samples by their series. */
type Figures = ReadonlyMap<string, number>;

async function figuresOf(node: RunningService): Promise<Figures> {
  const { text } = await ask(node, 'GET', '/metrics');
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]));
}

async function bothFigures({ a, b }: TwoNodes): Promise<readonly [Figures, Figures]> {
  return [await figuresOf(a), await figuresOf(b)];
}

function series(figures: Figures, name: string): readonly (readonly [string, number])[] {
  return [...figures].filter(([each]) => each === name || each.startsWith(`${name}{`) || each.includes(`_${name}{`));
}

function sum(figures: Figures, name: string): number {
  return series(figures, name).reduce((total, [, value]) => total + value, 0);
}
