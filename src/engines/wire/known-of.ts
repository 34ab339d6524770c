/** Engines that something is known of; of more, those that were asked for longest ago are forgotten. */
const MAX_KNOWN = 1024;

/** What was found out about an engine and holds for as long as it says the same of itself: its version, its models. */
export class KnownOf<T> {
  private readonly known = new Map<string, { readonly key: string; readonly value: T }>();

  /** @param key what it says of itself; what is known under another one is found out again */
  async of(url: string, key: string, look: () => Promise<T>): Promise<T> {
    const known = this.known.get(url);
    const value = known?.key === key ? known.value : await look();
    this.known.delete(url);
    this.known.set(url, { key, value });
    const [oldest] = this.known.keys();
    if (this.known.size > MAX_KNOWN && oldest !== undefined) this.known.delete(oldest);
    return value;
  }
}
