import type { Parser } from './parsers';

export interface StoreHost {
  readonly host: string;
  readonly port: number;
}

/** Where the state of the service is: in this process, or on a server that several nodes share. */
export type StoreAddress =
  | { readonly kind: 'embedded' }
  /** One server, or those who know which one it is (Sentinel, by the name of what they watch). */
  | {
      readonly kind: 'server';
      readonly hosts: readonly StoreHost[];
      readonly sentinelName?: string;
      readonly tls: boolean;
      readonly database: number;
    };

const ALLOWED =
  'embedded, redis://host[:port][/db], rediss://host[:port][/db], redis+sentinel://host[:port],host[:port]/name or rediss+sentinel://…; user and password have settings of their own';
const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26379;

export const storeAddress: Parser<StoreAddress> = {
  allowed: ALLOWED,
  parse: text => {
    if (text === 'embedded') return { kind: 'embedded' };
    const [, scheme = '', authority = '', path = ''] =
      /^(redis|rediss|rediss?\+sentinel):\/\/([^/@?#]+)(?:\/([^/?#]*))?$/.exec(text) ?? [];
    const isSentinel = scheme.endsWith('+sentinel');
    const hosts = authority.split(',').map(each => hostOf(each, isSentinel ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT));
    const isNamed = isSentinel ? /^[A-Za-z0-9._-]{1,128}$/.test(path) : /^\d{0,3}$/.test(path);
    if (scheme === '' || !isNamed || (!isSentinel && hosts.length > 1) || hosts.length > 16) throw new Error(ALLOWED);
    return {
      kind: 'server',
      hosts,
      ...(isSentinel && { sentinelName: path }),
      tls: scheme.startsWith('rediss'),
      database: isSentinel ? 0 : Number(path),
    };
  },
};

function hostOf(text: string, defaultPort: number): StoreHost {
  const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535) throw new Error(ALLOWED);
  return { host, port: port === undefined ? defaultPort : Number(port) };
}
