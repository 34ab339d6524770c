import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Where no engine may live, whatever the operator allows: link-local (with the clouds' metadata services), unspecified,
 * multicast and broadcast addresses.
 */
const never = new BlockList();
never.addSubnet('169.254.0.0', 16, 'ipv4');
never.addSubnet('0.0.0.0', 8, 'ipv4');
never.addSubnet('224.0.0.0', 4, 'ipv4');
never.addSubnet('240.0.0.0', 4, 'ipv4');
never.addSubnet('fe80::', 10, 'ipv6');
never.addSubnet('ff00::', 8, 'ipv6');
never.addAddress('::', 'ipv6');
never.addSubnet('64:ff9b::', 96, 'ipv6');
never.addAddress('fd00:ec2::254', 'ipv6');

/** The rules of `ORCHD_ENGINE_ALLOW`, applied to addresses and to names. */
export class AddressRules {
  private readonly allowed = new BlockList();
  private readonly names: ReadonlySet<string>;

  constructor(rules: readonly string[]) {
    const names: string[] = [];
    for (const rule of rules) {
      const [address = '', bits] = rule.split('/');
      const family = isIP(address);
      if (family === 0) names.push(rule);
      else
        this.allowed.addSubnet(
          address,
          bits === undefined ? (family === 6 ? 128 : 32) : Number(bits),
          family === 6 ? 'ipv6' : 'ipv4',
        );
    }
    this.names = new Set(names);
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
