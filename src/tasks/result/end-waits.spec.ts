import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { beforeEach, expect, it, vi } from 'vitest';
import { LAST_RESORT_MS } from '../../../test/support/deadline';
import { loadConfig } from '../../config/config';
import type { Narrator } from '../../observability/narrator';
import { MemoryEventLog } from '../../storage/memory/event-log.memory';
import type { Alarms } from '../../time/alarms';
import type { Fallback } from '../dispatch/fallback';
import type { Readers } from '../stream/readers';
import { endEvent, tokenEvent } from '../events/task-events';
import type { TaskSpec } from '../task/task';
import { EndWaits } from './end-waits';

const end = endEvent({ tokens_out: 1, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' });
const spec = { taskId: 't' } as TaskSpec;
const WAIT_MS = 5000;

let log: MemoryEventLog;
let waits: EndWaits;
let response: ServerResponse;
/** Rings the alarm of the wait. */
let timeIsUp: () => void;
const leave = vi.fn();
const onStreamOpened = vi.fn(async () => undefined);
const cancelAlarm = vi.fn();

beforeEach(() => {
  vi.clearAllMocks();
  log = new MemoryEventLog(loadConfig({ ORCHD_EVENT_CACHE_BYTES: '0' }).config, {
    copyEvents: () => undefined,
    readEvents: async () => [],
  });
  const alarms = {
    after: (delayMs: number, ring: () => void) => {
      expect(delayMs).toBe(WAIT_MS);
      timeIsUp = ring;
      return { cancel: cancelAlarm };
    },
  };
  response = openResponse();
  waits = new EndWaits(
    log,
    { attach: () => leave } as unknown as Readers,
    { onStreamOpened } as unknown as Fallback,
    alarms as unknown as Alarms,
    { attend: (work: Promise<unknown>) => work } as unknown as Narrator,
  );
  log.open('t');
});

function openResponse(): ServerResponse {
  const socket = Object.assign(new EventEmitter(), { readableEnded: false });
  const more = { destroyed: false, writeProcessing: vi.fn(), req: { httpVersion: '1.1', socket } };
  return Object.assign(new EventEmitter(), more) as unknown as ServerResponse;
}

/** A wait that has begun. */
async function begun(): Promise<Promise<boolean>[]> {
  const waiting = waits.wait(spec, WAIT_MS, response);
  await vi.waitFor(() => expect(onStreamOpened).toHaveBeenCalledWith('t'), { timeout: LAST_RESORT_MS });
  return [waiting];
}

function expectNothingLeft(): void {
  expect(response.listenerCount('close')).toBe(0);
  expect(response.req.socket.listenerCount('end')).toBe(0);
  expect(cancelAlarm).toHaveBeenCalledOnce();
  // A log of a wait that is over is let go of with its end.
  if (log.tail('t')) {
    if (!log.tail('t')?.terminal) log.append('t', [end]);
    log.seal('t');
  }
  expect(log.tail('t')).toBeUndefined();
}

it('is over with the end of the task, and not before', async () => {
  const [waiting] = await begun();
  let isOver = false;
  void waiting?.then(() => (isOver = true));
  log.append('t', [tokenEvent(0, 'a')]);
  await Promise.resolve();
  expect(isOver).toBe(false);
  log.append('t', [tokenEvent(1, 'b'), end]);
  expect(await waiting).toBe(true);
  expect(leave).toHaveBeenCalledExactlyOnceWith(false);
  expectNothingLeft();
});

it('takes no time for a task that has ended, and reads nothing of it', async () => {
  log.append('t', [end]);
  expect(await waits.wait(spec, WAIT_MS, response)).toBe(true);
  log.seal('t');
  expect(await waits.wait(spec, WAIT_MS, response)).toBe(true);
  expect(onStreamOpened).not.toHaveBeenCalled();
});

it('is over with its time, and who was sent away has not left', async () => {
  const [waiting] = await begun();
  timeIsUp();
  expect(await waiting).toBe(false);
  expect(leave).toHaveBeenCalledExactlyOnceWith(false);
  expectNothingLeft();
});

it('is over when the client leaves, as a reader leaves', async () => {
  const [waiting] = await begun();
  response.emit('close');
  expect(await waiting).toBe(false);
  expect(leave).toHaveBeenCalledExactlyOnceWith(true);
  expectNothingLeft();
});

it('is sounded for a client that has closed its side, and may be gone', async () => {
  const [waiting] = await begun();
  response.req.socket.emit('end');
  expect(response.writeProcessing).toHaveBeenCalledOnce();
  await vi.waitFor(() => expect(vi.mocked(response.writeProcessing).mock.calls.length).toBeGreaterThan(1), {
    timeout: LAST_RESORT_MS,
  });
  log.append('t', [end]);
  expect(await waiting).toBe(true);
  expectNothingLeft();
});

it('is over for a client of HTTP/1.0 that has closed its side', async () => {
  response.req.httpVersion = '1.0';
  const [waiting] = await begun();
  response.req.socket.emit('end');
  expect(await waiting).toBe(false);
  expect(response.writeProcessing).not.toHaveBeenCalled();
});

it('is over at once for a client that has left already', async () => {
  Object.assign(response, { destroyed: true });
  expect(await waits.wait(spec, WAIT_MS, response)).toBe(false);
  expect(leave).toHaveBeenCalledExactlyOnceWith(true);
});

it('is over when the service closes', async () => {
  const [waiting] = await begun();
  waits.onModuleDestroy();
  expect(await waiting).toBe(false);
  expectNothingLeft();
});

it('is over when the log goes', async () => {
  const [waiting] = await begun();
  log.drop('t');
  expect(await waiting).toBe(true);
});

it('ends one of several, and leaves the others', async () => {
  const other = openResponse();
  const [first] = await begun();
  const second = waits.wait(spec, WAIT_MS, other);
  response.emit('close');
  expect(await first).toBe(false);
  log.append('t', [end]);
  expect(await second).toBe(true);
});
