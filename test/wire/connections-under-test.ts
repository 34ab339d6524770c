import { createServer, type AddressInfo, type LookupFunction, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { EngineConnections } from '../../src/engines/connections/engine-connections';
import type { Exchange, OutgoingRequest } from '../../src/engines/connections/engine-connection';
import type { ResponseHeaders } from '../../src/engines/connections/response-head';
import type { Authority } from '../../src/engines/engine-keys';
import { Alarms, type Alarm } from '../../src/time/alarms';
import { Clock } from '../../src/time/clock';
import { TurnEnd } from '../../src/time/turn-end';
import { eventually, LAST_RESORT_MS, withDeadline } from '../support/deadline';
import { replayServer, type Answer, type ReplayServer } from './replay-server';

export const hi = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
export const chunkedHead = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
export const plain: OutgoingRequest = { method: 'GET', path: '/', headers: {} };

export interface Told {
  status: number;
  headers: ResponseHeaders;
  body: string;
  /** Undefined where nobody has said that it ended. */
  end?: 'whole' | Error;
}

export interface Asked extends Exchange {
  readonly told: Told;
  /** Once it ended. */
  readonly over: Promise<Told>;
}

/** Connections to engines, whose time is the test's. */
export class ConnectionsUnderTest {
  readonly clock = new StillClock();
  readonly alarms = new AlarmsByHand(this.clock);
  readonly turnEnd = new TurnEnd();
  /** What names are; where it is not set, addresses of this machine. */
  lookup: LookupFunction = toLoopback;
  readonly connections = new EngineConnections(
    { lookup: (...asked) => this.lookup(...asked) },
    this.clock,
    this.alarms,
    this.turnEnd,
  );
  /** What the test has opened, the last first. */
  private readonly closing: (() => Promise<unknown>)[] = [];

  async close(): Promise<void> {
    this.connections.destroy();
    for (const close of this.closing.splice(0)) await close();
  }

  /** Closes it before what was opened so far. */
  closes(close: () => Promise<unknown>): void {
    this.closing.unshift(close);
  }

  async serve(answer: Answer): Promise<ReplayServer> {
    const server = await replayServer(answer);
    this.closes(() => server.close());
    return server;
  }

  /** An engine that sees nothing but bytes. */
  async serveRaw(
    take: (socket: Socket) => void,
    host = '127.0.0.1',
    create: (take: (socket: Socket) => void) => Server = each => createServer({ noDelay: true }, each),
  ): Promise<{ port: number; sockets: readonly Socket[]; close: () => Promise<unknown> }> {
    const sockets: Socket[] = [];
    const server = create(socket => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      take(socket);
    });
    await new Promise<void>(resolve => server.listen(0, host, resolve));
    const close = (): Promise<unknown> => {
      for (const socket of sockets) socket.destroy();
      return new Promise(resolve => server.close(resolve));
    };
    this.closes(close);
    return { port: (server.address() as AddressInfo).port, sockets, close };
  }

  ask(url: string, request: OutgoingRequest = plain, authority?: Authority): Asked {
    const told: Told = { status: 0, headers: {}, body: '' };
    let end: (told: Told) => void;
    const over = new Promise<Told>(resolve => (end = resolve));
    const exchange = this.connections.send(
      new URL(url),
      request,
      {
        onHead: ({ status, headers }) => void Object.assign(told, { status, headers }),
        onBody: (bytes, from, to) => void (told.body += bytes.toString('latin1', from, to)),
        onEnd: () => end(Object.assign(told, { end: 'whole' as const })),
        onFault: cause => end(Object.assign(told, { end: cause as Error })),
      },
      authority,
    );
    return {
      told,
      abort: () => exchange.abort(),
      get over() {
        return withDeadline(over, LAST_RESORT_MS, () => `no end of ${JSON.stringify(told)}`);
      },
    };
  }
}

/** Time passes by the test's word alone. */
export class StillClock extends Clock {
  private passedMs = 0;

  pass(ms: number): void {
    this.passedMs += ms;
  }

  override nowMs(): number {
    return this.passedMs;
  }
}

/** They ring by its word too. */
export class AlarmsByHand extends Alarms {
  private pending: { readonly atMs: number; readonly ring: () => void }[] = [];

  constructor(private readonly time: StillClock) {
    super(time);
  }

  override at(atMs: number, ring: () => void): Alarm {
    const entry = { atMs, ring };
    this.pending.push(entry);
    return { cancel: () => void (this.pending = this.pending.filter(each => each !== entry)) };
  }

  pass(ms: number): void {
    this.time.pass(ms);
    const due = this.pending.filter(({ atMs }) => atMs <= this.time.nowMs());
    this.pending = this.pending.filter(each => !due.includes(each));
    for (const { ring } of due) ring();
  }

  get count(): number {
    return this.pending.length;
  }
}

/** What was read is used, and connections that have served a request can serve the next. */
export async function rest(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn();
}

export async function closed(socket: Socket | undefined): Promise<void> {
  await eventually(
    async () => socket?.destroyed,
    isGone => isGone === true,
  );
}

const toLoopback: LookupFunction = (_name, options, callback) => {
  if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};
