import { Subscriber } from 'rxjs';
import { expect, it } from 'vitest';
import { HandAlarms } from '../../../test/support/hand-alarms';
import { MovableClock } from '../../../test/support/movable-clock';
import { TurnByHand } from '../../../test/support/turn-by-hand';
import type { ServiceError } from '../../errors/service-error';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { parseHead } from '../connections/response-head';
import type { EngineEvent } from '../engine-adapter.port';
import type { Framing, StreamFormat } from './stream-format';
import { StreamRun } from './stream-run';

const usage = { tokensOut: 1, finishReason: 'stop' } as const;

/** Of a server whose streams have no last event: that they end is all that it says. */
const format: Partial<StreamFormat> = {
  maxFrameChars: 100,
  read: (text, into) => void into.push({ kind: 'token', text }),
  finish: into => void into.push({ kind: 'end', usage }),
};

function listener(told: string[]): Subscriber<readonly EngineEvent[]> {
  return new Subscriber<readonly EngineEvent[]>({
    next: (batch: readonly EngineEvent[]) => void told.push(...batch.map(({ kind }) => kind)),
    error: (error: ServiceError) => void told.push(error.code),
    complete: () => undefined,
  });
}

/** A stream of one token that has ended without a fault of its connection, in a turn that has not; what it has told. */
function ended(framing: string): { run: StreamRun; turn: TurnByHand; told: readonly string[] } {
  const turn = new TurnByHand();
  const clock = new Clock();
  const alarms = new Alarms(clock);
  const told: string[] = [];
  const subscriber = listener(told);
  const patience = { firstTokenTimeoutMs: 60_000, idleTimeoutMs: 60_000 };
  const run = new StreamRun(subscriber, format as StreamFormat, patience, clock, alarms, turn);
  run.onHead(parseHead(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream${framing}`));
  const frame = Buffer.from('data: a\n\n');
  run.onBody(frame, 0, frame.length);
  run.onEnd();
  alarms.onModuleDestroy();
  return { run, turn, told };
}

it.each([
  ['its chunks', '\r\nTransfer-Encoding: chunked', 'token end'],
  ['its length', '\r\nContent-Length: 9', 'token end'],
  ['nothing but its connection', '', 'token WORKER_RESET'],
  ['its connection, whatever is said of its coding', '\r\nTransfer-Encoding: identity', 'token WORKER_RESET'],
])('tells that a stream has come to its end by %s', (_, framing, outcome) => {
  const { turn, told } = ended(framing);
  expect(told).toEqual([]);
  turn.end();
  expect(told.join(' ')).toBe(outcome);
});

it('hands nothing on that is given up before the end of the turn', () => {
  const { run, turn, told } = ended('\r\nContent-Length: 9');
  run.abort();
  turn.end();
  expect(told).toEqual([]);
});

/** A run of which no more has come than that its engine is silent for as long as it may be, in a turn that has not ended. */
function silent(framing: Framing): { run: StreamRun; turn: TurnByHand; told: readonly string[] } {
  const turn = new TurnByHand();
  const clock = new MovableClock();
  const alarms = new HandAlarms();
  const told: string[] = [];
  const subscriber = listener(told);
  const patience = { firstTokenTimeoutMs: 800, idleTimeoutMs: 800 };
  const run = new StreamRun(subscriber, { ...format, framing } as StreamFormat, patience, clock, alarms, turn);
  for (let look = 1; look <= 8; look++) {
    turn.end();
    clock.pass(100);
    alarms.ring();
  }
  return { run, turn, told };
}

it.each([
  ['json', 'application/json', 'a'],
  ['ndjson', 'application/x-ndjson', 'a'],
  ['sse', 'text/event-stream', 'data: a'],
] as const)(
  'is not silent where the end of its answer, which is its only frame, came in time: %s',
  (framing, type, text) => {
    const { run, turn, told } = silent(framing);
    run.onHead(parseHead(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${text.length}`));
    run.onBody(Buffer.from(text), 0, text.length);
    run.onEnd();
    turn.end();
    expect(told).toEqual(['token', 'end']);
  },
);

it('is silent where nothing came', () => {
  const { turn, told } = silent('sse');
  turn.end();
  expect(told).toEqual(['DECODE_TIMEOUT']);
});

it('fails for a refusal that nobody can read, and lets nobody else know', () => {
  const turn = new TurnByHand();
  const clock = new Clock();
  const alarms = new HandAlarms();
  const told: string[] = [];
  const subscriber = listener(told);
  const patience = { firstTokenTimeoutMs: 60_000, idleTimeoutMs: 60_000 };
  const refusal = (): never => {
    throw new TypeError('of a kind that was not thought of');
  };
  const run = new StreamRun(subscriber, { ...format, refusal } as StreamFormat, patience, clock, alarms, turn);
  run.onHead(parseHead('HTTP/1.1 422 No\r\nContent-Length: 0'));
  run.onEnd();
  turn.end();
  expect(told).toEqual(['INTERNAL']);
  expect(alarms.delaysMs).toEqual([]);
});
