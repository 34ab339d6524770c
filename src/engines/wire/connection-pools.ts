import { buildConnector, Pool } from './undici';
import type { EngineConnectPolicy } from '../engine-connect';
import type { Authority } from '../engine-keys';
import { withoutUnaskedContinue } from './unasked-continue';

const CONNECT_TIMEOUT_MS = 5_000;
/** Below the five seconds after which llama.cpp closes an idle connection; a `Keep-Alive` header of the engine's goes before it. */
const KEEP_ALIVE_MS = 4_000;
const MAX_HEADER_BYTES = 32 * 1024;

/**
 * The connections to each engine. (undici's Agent would do this too, but 7.30 counts the closing of an old pool's connections
 * against its successor at the same origin, which under load ends keep-alive for good.)
 */
export class ConnectionPools {
  private readonly pools = new Map<string, Pool>();

  private readonly connect: buildConnector.connector;

  constructor(private readonly policy: EngineConnectPolicy) {
    this.connect = this.connector();
  }

  at(origin: string, authority?: Authority): Pool {
    const name = authority ? `${origin} ${authority.id}` : origin;
    const known = this.pools.get(name);
    if (known) return known;
    this.forgetUnused();
    const pool = new Pool(origin, {
      // One request at a time on a connection. (0 would turn keep-alive off.)
      pipelining: 1,
      // As many connections as there are requests: their number is bounded by the slots that were leased.
      connections: null,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // A long prefill sends nothing for minutes. Deadlines and the idle time-out are the task's and the run's.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: MAX_HEADER_BYTES,
      connect: authority ? this.connector(authority) : this.connect,
    });
    this.pools.set(name, pool);
    return pool;
  }

  /** Breaks off what still runs. */
  async destroy(): Promise<void> {
    const pools = [...this.pools.values()];
    this.pools.clear();
    await Promise.all(pools.map(pool => pool.destroy()));
  }

  private connector(authority?: Authority): buildConnector.connector {
    const trust = authority && { ca: authority.pem };
    const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup: this.policy.lookup, ...trust });
    return (options, callback) =>
      connect(options, (...made) => {
        const [error, socket] = made;
        if (error) callback(error, null);
        else callback(null, withoutUnaskedContinue(socket));
      });
  }

  /** Engines come and go; a new one is the occasion to let go of those to which nothing is connected any more. */
  private forgetUnused(): void {
    for (const [name, pool] of this.pools) {
      const { connected, size } = pool.stats;
      if (connected > 0 || size > 0) continue;
      this.pools.delete(name);
      void pool.close();
    }
  }
}
