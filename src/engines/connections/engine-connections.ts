import type { LookupFunction } from 'node:net';
import type { Alarm, Alarms } from '../../time/alarms';
import type { Clock } from '../../time/clock';
import type { TurnEnd } from '../../time/turn-end';
import type { EngineConnectPolicy } from '../engine-connect';
import type { Authority } from '../engine-keys';
import { Departures } from './departures';
import {
  EngineConnection,
  serialized,
  type ExchangeHandler,
  type Exchange,
  type Endpoint,
  type OutgoingRequest,
} from './engine-connection';

/** Below the five seconds after which llama.cpp and uvicorn close an idle connection; what an engine says goes before it. */
const KEEP_IDLE_MS = 4_000;
/** A request that is sent while the engine closes is lost: a connection is not used from this long before the engine says it will close it. */
const CLOSE_EARLIER_MS = 1_000;
/** Longer is not believed: what lies between forgets connections. */
const MOST_IDLE_MS = 600_000;
const STOPPING = 'the service stops';

/**
 * The connections to all engines. One serves one request at a time, so there are as many as there are requests: their number is bounded by
 * the slots that were leased. No time-outs beyond that of connecting: a long prefill sends nothing for minutes.
 */
export class EngineConnections {
  private readonly engines = new Map<string, OriginConnections>();
  private readonly departures: Departures;

  constructor(
    private readonly policy: EngineConnectPolicy,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    turnEnd: TurnEnd,
  ) {
    this.departures = new Departures(turnEnd);
  }

  /**
   * Sends it with others, at the end of this turn of the event loop at the latest. `handler` is told nothing before this returns.
   * @param authority who alone vouches for the engine
   * @throws Error for what cannot be sent as it is, before there is a connection for it
   */
  send(url: URL, request: OutgoingRequest, handler: ExchangeHandler, authority?: Authority): Exchange {
    const message = serialized(request, url.host);
    return this.departures.add(() => this.at(url, authority).send(message, handler), handler);
  }

  /** Breaks off what still runs. */
  destroy(): void {
    this.departures.cancel(new Error(STOPPING));
    for (const engine of this.engines.values()) engine.destroy();
  }

  /** Origins that a connection is open to. */
  get size(): number {
    return this.engines.size;
  }

  private at(url: URL, authority: Authority | undefined): OriginConnections {
    const name = authority ? `${url.origin} ${authority.id}` : url.origin;
    let engine = this.engines.get(name);
    if (!engine) {
      const endpoint = endpointOf(url, this.policy.lookup, authority);
      engine = new OriginConnections(endpoint, this.clock, this.alarms, () => this.engines.delete(name));
      this.engines.set(name, engine);
    }
    return engine;
  }
}

interface Idle {
  readonly connection: EngineConnection;
  /** Time of {@link Clock.nowMs} from which it is not used any more. */
  readonly untilMs: number;
}

/** Connections to one origin. The one that became idle last is used first, so that those that are not needed end. */
class OriginConnections {
  private readonly all = new Set<EngineConnection>();
  private readonly idle: Idle[] = [];
  /** Those that have served a request in this turn of the event loop, and in the one before. */
  private settling: [now: Idle[], before: Idle[]] = [[], []];
  private settleIsDue = false;
  private sweep: Alarm | undefined;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly onUnused: () => void,
  ) {}

  send(message: string, handler: ExchangeHandler): Exchange {
    return (this.takeIdle() ?? this.open()).send(message, handler);
  }

  destroy(): void {
    for (const connection of this.all) connection.close(new Error(STOPPING));
  }

  private open(): EngineConnection {
    const connection = new EngineConnection(this.endpoint, this.release, this.remove);
    this.all.add(connection);
    return connection;
  }

  private takeIdle(): EngineConnection | undefined {
    const nowMs = this.clock.nowMs();
    for (let last = this.idle.pop(); last; last = this.idle.pop()) {
      if (last.untilMs > nowMs && last.connection.isOpen) return last.connection;
      last.connection.close();
    }
    return undefined;
  }

  /**
   * Not used again before two turns of the event loop have passed, in which every socket was polled once more: an engine may close right
   * behind its answer without having said so.
   */
  private readonly release = (connection: EngineConnection, keptForMs: number | undefined): void => {
    const idleMs = keptForMs === undefined ? KEEP_IDLE_MS : Math.min(MOST_IDLE_MS, keptForMs - CLOSE_EARLIER_MS);
    if (idleMs <= 0) return connection.close();
    this.settling[0].push({ connection, untilMs: this.clock.nowMs() + idleMs });
    if (this.settleIsDue) return;
    this.settleIsDue = true;
    setImmediate(this.settle);
  };

  private readonly settle = (): void => {
    const [now, before] = this.settling;
    for (const each of before) if (each.connection.isOpen) this.idle.push(each);
    this.settling = [[], now];
    this.settleIsDue = now.length > 0;
    if (this.settleIsDue) setImmediate(this.settle);
    if (this.idle.length > 0) this.sweep ??= this.alarms.after(KEEP_IDLE_MS, this.closeUnused);
  };

  private readonly remove = (connection: EngineConnection): void => {
    this.all.delete(connection);
    const at = this.idle.findIndex(each => each.connection === connection);
    if (at !== -1) this.idle.splice(at, 1);
    if (this.all.size > 0) return;
    this.sweep?.cancel();
    this.onUnused();
  };

  private readonly closeUnused = (): void => {
    const nowMs = this.clock.nowMs();
    for (const { connection, untilMs } of this.idle) if (untilMs <= nowMs) connection.close();
    this.sweep = this.alarms.after(KEEP_IDLE_MS, this.closeUnused);
  };
}

function endpointOf(url: URL, lookup: LookupFunction, authority: Authority | undefined): Endpoint {
  const isSecure = url.protocol === 'https:';
  return {
    isSecure,
    name: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port) || (isSecure ? 443 : 80),
    lookup,
    ...(authority && { ca: authority.pem }),
  };
}
