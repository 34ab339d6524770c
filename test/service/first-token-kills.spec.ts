import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { eventually } from '../support/deadline';
import { startService, type RunningService } from '../support/service';
import type { SseEvent } from '../support/sse-stream';
import { errorCodeOf, isTerminal, TaskClient, tokenIndexes, upTo } from '../support/task-client';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder';

/*
 * The engine is asked while an admission is being synced, and what it says is held until that, and the mark that output begins, are
 * durable. Here the journal is stopped at each of these steps, what a client sees by then is looked at, and the process killed there.
 */

const TOKENS = 5;

let folder: TemporaryFolder;
let engine: RunningEngine;
let service: RunningService;
let tasks: TaskClient;

async function start(env: Record<string, string> = {}): Promise<void> {
  service = await startService({
    env: {
      ORCHD_DATA_DIR: join(folder.path, 'data'),
      ORCHD_LLAMACPP_URL: engine.url,
      ORCHD_FALLBACK: 'wait',
      ORCHD_PROBE_INTERVAL_MS: '100',
      JOURNAL_FAILPOINT: `hold=${folder.path}`,
      ...env,
    },
  });
  tasks = new TaskClient(service);
  await tasks.slotsFree(1);
}

beforeEach(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder.path, 'data'));
  engine = await startEngine({ slots: 1, tokensPerSecond: 0 });
  await start();
});

afterEach(async () => {
  await service.stop('SIGKILL');
  await engine.stop();
  folder.remove();
});

/**
 * The journal stops there at its next write of these kinds. What the service writes now and then by itself, as the pace of a pool, goes on.
 * The file is there at once with all that it says.
 */
function hold(place: string, ...kinds: readonly ('admit' | 'mark' | 'end')[]): void {
  writeFileSync(join(folder.path, 'order'), kinds.join(' '));
  renameSync(join(folder.path, 'order'), join(folder.path, place));
}

/** Lets go of what is held, wherever that is. */
function release(): void {
  for (const place of ['before-log', 'after-log']) {
    rmSync(join(folder.path, place), { force: true });
    rmSync(join(folder.path, `${place}.reached`), { force: true });
  }
}

async function held(place: string): Promise<void> {
  await eventually(
    async () => existsSync(join(folder.path, `${place}.reached`)),
    reached => reached,
  );
}

async function killAndStart(): Promise<void> {
  await service.stop('SIGKILL');
  release();
  await start();
}

/** One ending, the last; token indexes from 0 on; nothing else than what was seen before. */
function judge(events: readonly SseEvent[], seen: readonly SseEvent[]): void {
  expect(events.filter(isTerminal)).toEqual(events.slice(-1));
  expect(tokenIndexes(events)).toEqual(upTo(tokenIndexes(events).length));
  expect(events.slice(0, seen.length).map(({ id, text }) => [id, text])).toEqual(
    seen.map(({ id, text }) => [id, text]),
  );
}

const task = (maxTokens: number) => ({ task_id: 't', max_tokens: maxTokens, deadline_ms: 600_000 });

describe.each(['before-log', 'after-log'])('an admission that stands %s', place => {
  /**
   * Also, before the log, what comes of its task meanwhile, so that a kill finds the admission alone. The engine says nothing before it is held:
   * what comes while an admission waits for its turn is written with it, and would hold it before the log, too.
   */
  const holdAll = (): void => {
    engine.control({ faults: { 'stall-prefill': Infinity } });
    if (place === 'before-log') return hold(place, 'admit', 'mark', 'end');
    hold('before-log', 'mark', 'end');
    hold(place, 'admit');
  };

  /** It stands there, and its engine has said all. */
  const heldAndRun = async (): Promise<void> => {
    await held(place);
    engine.control({ faults: {} });
    await engine.until(({ finished }) => finished === 1);
  };

  it('is not answered though its engine has said all, and killed there runs once for whom sends it again', async () => {
    holdAll();
    let answers = 0;
    const sent = tasks.post(task(TOKENS)).then(
      () => answers++,
      () => undefined,
    );
    await heldAndRun();
    // Others are served meanwhile, so it is not that nothing was answered at all.
    expect((await service.request('GET', '/healthz')).status).toBe(200);
    expect((await tasks.view('t'))['state']).not.toBe('completed');
    expect(answers).toBe(0);

    await killAndStart();
    await sent;
    expect((await tasks.post(task(TOKENS))).status).toBe(202);
    const { events } = await tasks.read('t');
    judge(events, []);
    expect(tokenIndexes(events)).toEqual(upTo(TOKENS));
    expect(engine.stats().started).toBe(2);
  });

  it('goes on where it is let go', async () => {
    holdAll();
    const sent = tasks.post(task(TOKENS));
    await heldAndRun();
    release();
    expect((await sent).status).toBe(202);
    const { events } = await tasks.read('t');
    judge(events, []);
    expect(tokenIndexes(events)).toEqual(upTo(TOKENS));
    expect(engine.stats().started).toBe(1);
  });
});

it('an admission that does not become durable ends the run that began with it', async () => {
  engine.control({ faults: { 'stall-prefill': Infinity } });
  hold('before-log', 'admit');
  const sent = tasks.post(task(TOKENS));
  await held('before-log');
  await engine.until(({ active }) => active === 1);
  rmSync(join(folder.path, 'data', 'journal'), { recursive: true });
  release();
  expect(await sent).toMatchObject({ status: 503 });
  await engine.until(({ active, aborted }) => active === 0 && aborted === 1);
  expect((await service.request('GET', '/v2/tasks/t')).status).toBe(404);
});

describe('a mark that output begins', () => {
  /** A task that was acknowledged and has a reader, its engine about to say the first token of many. */
  async function aboutToShow(): Promise<SseEvent[]> {
    engine.control({ faults: { 'stall-prefill': Infinity }, tokensPerSecond: 20 });
    await tasks.submit(task(1000));
    const reader = await tasks.open('t');
    await engine.until(({ active }) => active === 1);
    return reader.events;
  }

  /** The engine says its first tokens, and the journal stands where it was told to. */
  async function begin(place: string): Promise<void> {
    hold(place, 'mark');
    engine.control({ faults: {} });
    await held(place);
    const { tokens } = engine.stats();
    await engine.until(stats => stats.tokens > tokens + 2);
  }

  it('shows nothing before it is durable, and killed there the task runs again', async () => {
    const seen = await aboutToShow();
    await begin('before-log');
    expect(seen).toEqual([]);
    engine.control({ tokensPerSecond: 0 });
    await killAndStart();
    const { events } = await tasks.read('t');
    judge(events, seen);
    expect(tokenIndexes(events)).toHaveLength(1000);
  });

  it('killed once it is durable, the task ends and is not run again, whoever had seen what', async () => {
    const seen = await aboutToShow();
    await begin('after-log');
    expect(seen).toEqual([]);
    const { started } = engine.stats();
    await killAndStart();
    const { events } = await tasks.read('t');
    judge(events, seen);
    expect(errorCodeOf(events)).toBe('ORCHESTRATOR_RESTARTED');
    expect(engine.stats().started).toBe(started);
  });
});

describe('an output whose end comes with its first batch', () => {
  /** A task that was acknowledged and has a reader, all of whose output is there at once, and whose ending stands at a place. */
  async function allAtOnce(place: string): Promise<readonly SseEvent[]> {
    engine.control({ faults: { 'stall-prefill': Infinity } });
    await tasks.submit(task(1));
    const reader = await tasks.open('t');
    await engine.until(({ active }) => active === 1);
    // Where the machine is slow its end may come after its token: before either is durable nothing was shown.
    if (place === 'before-log') hold(place, 'mark', 'end');
    else hold(place, 'end');
    engine.control({ faults: {} });
    await held(place);
    await engine.until(({ finished }) => finished === 1);
    return reader.events;
  }

  it('is not shown before its ending is durable, and killed there the task runs again', async () => {
    const seen = await allAtOnce('before-log');
    expect(seen).toEqual([]);
    await killAndStart();
    const { events } = await tasks.read('t');
    judge(events, seen);
    expect([tokenIndexes(events), events.at(-1)?.type]).toEqual([[0], 'end']);
    expect(engine.stats().started).toBe(2);
  });

  it('killed once its ending is durable is not run again, and says what became of it', async () => {
    const seen = await allAtOnce('after-log');
    // Where the end came after the token, that was durable before it and may be shown; the end may not.
    expect(seen.filter(isTerminal)).toEqual([]);
    await killAndStart();
    expect(engine.stats().started).toBe(1);
    const { events } = await tasks.read('t');
    judge(events, seen);
    expect([tokenIndexes(events), events.at(-1)?.type]).toEqual([[0], 'end']);
    expect(await tasks.view('t')).toMatchObject({ state: 'completed', attempts: 1 });
  });
});
