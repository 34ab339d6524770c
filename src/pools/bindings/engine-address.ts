/**
 * The one spelling of an engine's address, so that two names of one engine can be seen to be that: scheme and host in lower
 * case, no default port, no slash at the end, and without the `/v1` of an OpenAI client's base URL, for adapters name their
 * routes from the root. What is no plain http(s) URL comes back as it is; the check of addresses refuses it.
 */
export function engineAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) return text;
  if (url.username || url.password || url.search || url.hash) return text;
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '').replace(/\/+$/, '');
}

/**
 * Whether two addresses, each in its one spelling, are those of one engine. `localhost` is either of the loopback addresses; that two
 * other names lead to one machine is not looked into, for it may change.
 */
export function isSameEngine(one: string, other: string): boolean {
  return (
    one === other || (withoutLocalhost(one) ?? []).includes(other) || (withoutLocalhost(other) ?? []).includes(one)
  );
}

function withoutLocalhost(address: string): readonly string[] | undefined {
  const [all, scheme = '', rest = ''] = /^(https?:\/\/)localhost((?:[:/].*)?)$/.exec(address) ?? [];
  return all === undefined ? undefined : LOOPBACK.map(host => scheme + host + rest);
}

const LOOPBACK = ['127.0.0.1', '[::1]'];
