import dns, { type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';
import { EngineConnectPolicy } from '../engines/engine-connect';
import { EngineAllow, type AllowVerdict } from '../pools/bindings/engine-allow.port';
import { AddressRules } from './address-rules';

const MAX_URL_CHARS = 2048;

/** Judges engine addresses when they are named, and again when they are connected to. */
@Injectable()
export class EngineAddressPolicy extends EngineAllow implements EngineConnectPolicy {
  private readonly rules: AddressRules;

  constructor(config: Config) {
    super();
    this.rules = new AddressRules(config.engineAllow);
  }

  override async check(text: string): Promise<AllowVerdict> {
    const url = text.length <= MAX_URL_CHARS && URL.canParse(text) ? new URL(text) : undefined;
    if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
      return refused('url must be an http:// or https:// URL');
    if (url.username || url.password || url.search || url.hash)
      return refused('url must have no user, query or fragment');
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const addresses = isIP(host) === 0 ? await resolve(host) : [host];
    if (addresses.length === 0) return refused('url names a host that has no address', true);
    const listed = this.rules.listsName(host);
    return addresses.every(address => this.rules.allows(address, listed))
      ? { ok: true }
      : refused('url names an address at which no engine may live (see ORCHD_ENGINE_ALLOW)');
  }

  /** As dns.lookup, less the addresses that are not allowed; with none left the connection fails before it is made. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    dns.lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '', 0);
      const listed = this.rules.listsName(hostname);
      const allowed = addresses.filter(({ address }) => this.rules.allows(address, listed));
      const [first] = allowed;
      if (!first) return callback(Object.assign(new Error('address not allowed'), { code: 'EACCES' }), '', 0);
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function refused(reason: string, mayPass = false): AllowVerdict {
  return { ok: false, reason, mayPass };
}

async function resolve(host: string): Promise<readonly string[]> {
  try {
    return (await dns.promises.lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}
