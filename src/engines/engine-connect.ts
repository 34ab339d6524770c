import type { LookupFunction } from 'node:net';

/**
 * How the names of engines are resolved when a connection is made. An address is checked at registration, but a name can
 * change its address after that, so the check is repeated here, on the very address that is connected to.
 */
export abstract class EngineConnectPolicy {
  /** As `dns.lookup`; errors for an address at which no engine may live. Not called for IP literals. */
  abstract readonly lookup: LookupFunction;
}
