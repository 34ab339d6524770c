import { Subscriber } from 'rxjs';
import { expect, it } from 'vitest';
import { TurnByHand } from '../../../test/support/turn-by-hand';
import type { ServiceError } from '../../errors/service-error';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import { parseHead } from '../connections/response-head';
import type { EngineEvent } from '../engine-adapter.port';
import type { StreamFormat } from './stream-format';
import { StreamRun } from './stream-run';

const usage = { tokensOut: 1, finishReason: 'stop' } as const;

/** Of a server whose streams have no last event: that they end is all that it says. */
const format: Partial<StreamFormat> = {
  maxFrameChars: 100,
  read: (text, into) => void into.push({ kind: 'token', text }),
  finish: into => void into.push({ kind: 'end', usage }),
};

/** A stream of one token that has ended without a fault of its connection, in a turn that has not; what it has told. */
function ended(framing: string): { run: StreamRun; turn: TurnByHand; told: readonly string[] } {
  const turn = new TurnByHand();
  const clock = new Clock();
  const alarms = new Alarms(clock);
  const told: string[] = [];
  const subscriber = new Subscriber<readonly EngineEvent[]>({
    complete: () => undefined,
    next: (batch: readonly EngineEvent[]) => void told.push(...batch.map(event => event.kind)),
    error: (error: ServiceError) => void told.push(error.code),
  });
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
