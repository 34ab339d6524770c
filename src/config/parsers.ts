import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { resolve } from 'node:path';

/** Turns the text of one setting into its value, or throws a {@link SettingFault} that says what is allowed. */
export interface Parser<T> {
  readonly parse: (text: string) => T;
  /** The allowed form, as it stands in messages and in the README's table. */
  readonly allowed: string;
}

class SettingFault extends Error {}

/**
 * Where a span of time becomes a typing error, in settings and in requests. Node's timers end at 2^31 - 1 ms, some 25 days; longer
 * spans are armed in steps.
 */
export const YEAR_MS = 365 * 24 * 3600 * 1000;

export function integer(min: number, max: number): Parser<number> {
  const allowed = `a whole number from ${min} to ${max}`;
  return {
    allowed,
    parse: text => {
      const value = /^-?\d{1,16}$/.test(text) ? Number(text) : NaN;
      if (!Number.isSafeInteger(value) || value < min || value > max) throw new SettingFault(allowed);
      return value;
    },
  };
}

export function milliseconds(min = 1, max = YEAR_MS): Parser<number> {
  return { ...integer(min, max), allowed: `milliseconds, ${min} to ${max}` };
}

export function bytes(min: number, max: number): Parser<number> {
  return { ...integer(min, max), allowed: `bytes, ${min} to ${max}` };
}

export function decimal(min: number, max: number): Parser<number> {
  const allowed = `a number from ${min} to ${max}`;
  return {
    allowed,
    parse: text => {
      const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
      if (!(value >= min && value <= max)) throw new SettingFault(allowed);
      return value;
    },
  };
}

export function oneOf<const T extends string>(...values: readonly T[]): Parser<T> {
  const allowed = values.join(' | ');
  return {
    allowed,
    parse: text => {
      const value = values.find(candidate => candidate === text);
      if (value === undefined) throw new SettingFault(allowed);
      return value;
    },
  };
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`; an IPv6 host stands in brackets; port 0 asks the system for a free one. */
export const listenAddress: Parser<ListenAddress> = {
  allowed: 'host:port ([::1]:8080 for IPv6; port 0 picks a free one)',
  parse: text => {
    const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text) ?? [];
    const host = bracketed ?? plain;
    if (host === undefined || Number(port) > 65_535 || (bracketed !== undefined && isIP(bracketed) !== 6)) {
      throw new SettingFault(listenAddress.allowed);
    }
    return { host, port: Number(port) };
  },
};

/** A path; `~` is the home folder; relative paths are taken from the working folder. */
export const path: Parser<string> = {
  allowed: 'a path',
  parse: text => {
    if (text === '' || text.includes('\0')) throw new SettingFault(path.allowed);
    return resolve(text === '~' || text.startsWith('~/') ? homedir() + text.slice(1) : text);
  },
};

export const httpUrl: Parser<string> = {
  allowed: 'an http:// or https:// URL with no user, query or fragment',
  parse: text => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const plain = url && !url.username && !url.password && !url.search && !url.hash;
    if (!plain || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw new SettingFault(httpUrl.allowed);
    return text.replace(/\/+$/, '');
  },
};

/** As browsers name the origin of a page; those of programs that are pages in disguise (`app://obsidian.md`) too. */
export const origin: Parser<string> = {
  allowed: 'an origin (https://chat.example.org), or * for all',
  parse: text => {
    if (text !== '*' && !/^[a-z][a-z0-9+.-]{0,31}:\/\/[a-z0-9._\-[\]:]{1,253}$/.test(text))
      throw new SettingFault(origin.allowed);
    return text;
  },
};

/** A file by its name alone, so that no path can be written with it. */
export const plainFileName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** A kind of engine, where one is, and the name of the file with what it wants of whoever asks it. */
export interface NamedUrl {
  readonly name: string;
  readonly url: string;
  readonly keyFile?: string;
}

export const namedUrl: Parser<NamedUrl> = {
  allowed: `a kind of engine, =, ${httpUrl.allowed}, and where the engine wants a key, ; and the plain name of its file`,
  parse: text => {
    const at = text.indexOf('=');
    const name = text.slice(0, Math.max(0, at)).trim();
    if (!/^[a-z]{1,32}$/.test(name)) throw new SettingFault(namedUrl.allowed);
    const [url = '', keyFile, ...more] = text
      .slice(at + 1)
      .split(';')
      .map(part => part.trim());
    if (more.length > 0 || (keyFile !== undefined && !plainFileName.test(keyFile)))
      throw new SettingFault(namedUrl.allowed);
    return { name, url: httpUrl.parse(url), ...(keyFile !== undefined && { keyFile }) };
  },
};

/** The form of every id a client, a worker or a file may name. */
export const idPattern = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

export const identifier: Parser<string> = {
  allowed: 'letters, digits and . _ : - (at most 128, the first a letter or digit)',
  parse: text => {
    if (!idPattern.test(text)) throw new SettingFault(identifier.allowed);
    return text;
  },
};

/** A comma list without empty members. */
export function list<T>(member: Parser<T>, max: number): Parser<readonly T[]> {
  const allowed = `up to ${max} comma-separated, each ${member.allowed}`;
  return {
    allowed,
    parse: text => {
      const members = text
        .split(',')
        .map(part => part.trim())
        .filter(part => part !== '');
      if (members.length > max) throw new SettingFault(allowed);
      return members.map(member.parse);
    },
  };
}

/** Keys and tokens: visible ASCII, so that they survive a header unchanged. */
export const secret: Parser<string> = {
  allowed: '1 to 512 visible ASCII characters',
  parse: text => {
    if (!/^[\x21-\x7e]{1,512}$/.test(text)) throw new SettingFault(secret.allowed);
    return text;
  },
};

export const hostOrCidr: Parser<string> = {
  allowed: 'a host name, an IP address or a CIDR',
  parse: text => {
    const [address = '', bits] = text.split('/');
    const family = isIP(address);
    const named = family === 0 && bits === undefined && /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/.test(text);
    const inRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
    if (!named && !(family !== 0 && inRange)) throw new SettingFault(hostOrCidr.allowed);
    return text.toLowerCase();
  },
};
