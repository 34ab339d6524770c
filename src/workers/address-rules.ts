import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Where no engine may live, whatever the operator allows. Each range or address with the reason it stands here; an IPv4
 * address in the forms that mean the same one (mapped, compatible) is unwrapped before it is looked up.
 */
const neverAllowed = [
  '0.0.0.0/8', // "this host"
  '169.254.0.0/16', // link-local, with most clouds' metadata services
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '100.100.100.200/32', // metadata: Alibaba Cloud
  '168.63.129.16/32', // platform services: Azure
  '192.0.0.192/32', // metadata: Oracle Cloud
  '::/128', // unspecified
  'fe80::/10', // link-local
  'ff00::/8', // multicast
  'fd00:ec2::/32', // metadata and credentials: AWS
  'fd20:ce::254/128', // metadata: Google Cloud
  'fd00:42::42/128', // metadata: Scaleway
  // IPv6 that routers turn into an IPv4 address of the sender's choice: any of the above could hide in it.
  '::ffff:0:0:0/96', // RFC 2765, translated
  '64:ff9b::/96', // RFC 6052, NAT64
  '64:ff9b:1::/48', // RFC 8215, local NAT64
  '2001::/32', // RFC 4380, Teredo
  '2002::/16', // RFC 3056, 6to4
];

const never = new BlockList();
for (const rule of neverAllowed) addRule(never, rule);

/** The rules of `ORCHD_ENGINE_ALLOW`, applied to addresses and to names. */
export class AddressRules {
  private readonly allowed = new BlockList();
  private readonly names: ReadonlySet<string>;

  constructor(rules: readonly string[]) {
    this.names = new Set(rules.filter(rule => !addRule(this.allowed, rule)));
  }

  /** True for a name that is listed as such: any address that it resolves to is allowed, save those that never are. */
  listsName(hostname: string): boolean {
    return this.names.has(hostname.toLowerCase());
  }

  /** @param address an IP literal; an IPv4 address in IPv6 clothing is judged as what it is */
  allows(address: string, nameIsListed = false): boolean {
    const plain = unmapped(address);
    const family = isIPv6(plain) ? 'ipv6' : 'ipv4';
    if (isIP(plain) === 0 || never.check(plain, family)) return false;
    return nameIsListed || this.allowed.check(plain, family);
  }
}

/** Adds an address or CIDR; false for what is neither. */
function addRule(list: BlockList, rule: string): boolean {
  const [address = '', bits] = rule.split('/');
  const family = isIP(address);
  if (family === 0) return false;
  const allBits = family === 6 ? 128 : 32;
  list.addSubnet(address, bits === undefined ? allBits : Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  return true;
}

/** `::ffff:127.0.0.1` and `::ffff:7f00:1` are 127.0.0.1; the deprecated `::127.0.0.1` form too. */
function unmapped(address: string): string {
  if (!isIPv6(address)) return address;
  // The URL parser writes every IPv6 address in its one canonical form.
  const canonical = new URL(`http://[${address.split('%')[0] ?? ''}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::(?:ffff:)?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return canonical;
  const [a, b] = [parseInt(high, 16), parseInt(low, 16)];
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`;
}
