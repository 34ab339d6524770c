import type { LookupFunction } from 'node:net';
import type { Alarm, Alarms } from '../../time/alarms';
import type { Clock } from '../../time/clock';
import type { EngineConnectPolicy } from '../engine-connect';
import type { Authority } from '../engine-keys';
import {
  EngineConnection,
  messageOf,
  type AnswerTaker,
  type Exchange,
  type Host,
  type Outgoing,
} from './engine-connection';

/** Below the five seconds after which llama.cpp and uvicorn close an idle connection; what an engine says goes before it. */
const KEEP_IDLE_MS = 4_000;
/** A request that is sent as the engine closes is lost: an idle connection is closed this much before it says it will. */
const CLOSE_EARLIER_MS = 1_000;
const MOST_IDLE_MS = 600_000;

/**
 * The connections to all engines. One serves one request at a time, so there are as many as there are requests: their number is bounded by
 * the slots that were leased. No time-outs beyond that of connecting: a long prefill sends nothing for minutes.
 */
export class EngineConnections {
  private readonly engines = new Map<string, EnginePool>();

  constructor(
    private readonly policy: EngineConnectPolicy,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
  ) {}

  /**
   * @param authority who alone vouches for the engine
   * @throws Error for what cannot be sent as it is, before there is a connection for it
   */
  send(url: URL, request: Outgoing, taker: AnswerTaker, authority?: Authority): Exchange {
    const message = messageOf(request, url.host);
    return this.at(url, authority).send(message, taker);
  }

  /** Breaks off what still runs. */
  destroy(): void {
    for (const engine of this.engines.values()) engine.destroy();
  }

  /** How many engines have a connection, or had one a moment ago. */
  get size(): number {
    return this.engines.size;
  }

  private at(url: URL, authority: Authority | undefined): EnginePool {
    const name = authority ? `${url.origin} ${authority.id}` : url.origin;
    let engine = this.engines.get(name);
    if (!engine) {
      const host = hostOf(url, this.policy.lookup, authority);
      engine = new EnginePool(host, this.clock, this.alarms, () => this.engines.delete(name));
      this.engines.set(name, engine);
    }
    return engine;
  }
}

/** It may serve another request until then. */
interface Rested {
  readonly connection: EngineConnection;
  readonly untilMs: number;
}

/** The connections to one engine; those that are idle are used from the one that was so last, and the others end by and by. */
class EnginePool {
  private readonly all = new Set<EngineConnection>();
  private readonly idle: Rested[] = [];
  /** Those that have served a request in this turn of the event loop, and in the one before. */
  private rested: [now: Rested[], before: Rested[]] = [[], []];
  private restIsDue = false;
  private sweep: Alarm | undefined;

  constructor(
    private readonly host: Host,
    private readonly clock: Clock,
    private readonly alarms: Alarms,
    private readonly onUnused: () => void,
  ) {}

  send(message: string, taker: AnswerTaker): Exchange {
    return (this.takeIdle() ?? this.open()).send(message, taker);
  }

  destroy(): void {
    for (const connection of this.all) connection.close();
  }

  private open(): EngineConnection {
    const connection = new EngineConnection(this.host, this.keep, this.drop);
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

  /** It rests until all sockets were read once more: an engine that closes behind its answer need not have said that it would. */
  private readonly keep = (connection: EngineConnection, keptForMs = KEEP_IDLE_MS + CLOSE_EARLIER_MS): void => {
    const idleMs = Math.min(MOST_IDLE_MS, keptForMs - CLOSE_EARLIER_MS);
    if (idleMs <= 0) return connection.close();
    this.rested[0].push({ connection, untilMs: this.clock.nowMs() + idleMs });
    if (this.restIsDue) return;
    this.restIsDue = true;
    setImmediate(this.endRest);
  };

  private readonly endRest = (): void => {
    const [now, before] = this.rested;
    for (const rested of before) if (rested.connection.isOpen) this.idle.push(rested);
    this.rested = [[], now];
    this.restIsDue = now.length > 0;
    if (this.restIsDue) setImmediate(this.endRest);
    if (this.idle.length > 0) this.sweep ??= this.alarms.after(KEEP_IDLE_MS, this.closeUnused);
  };

  private readonly drop = (connection: EngineConnection): void => {
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

function hostOf(url: URL, lookup: LookupFunction, authority: Authority | undefined): Host {
  const isSecure = url.protocol === 'https:';
  return {
    isSecure,
    name: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port) || (isSecure ? 443 : 80),
    lookup,
    ...(authority && { ca: authority.pem }),
  };
}
