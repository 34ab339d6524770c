/** Engines that something is known of; of more, those that were asked for longest ago are forgotten. */
const MAX_KNOWN = 1024;

/** What was found out about an engine and holds for as long as it says the same of itself: its version, its models. */
export class KnownOf<T> {
  private readonly entries = new Map<string, { readonly key: string; readonly value: T }>();

  /** @param key what it says of itself; what is known under another one is found out again */
  async of(url: string, key: string, look: () => Promise<T>): Promise<T> {
    const known = this.entries.get(url);
    const value = known?.key === key ? known.value : await look();
    this.entries.delete(url);
    this.entries.set(url, { key, value });
    const [oldest] = this.entries.keys();
    if (this.entries.size > MAX_KNOWN && oldest !== undefined) this.entries.delete(oldest);
    return value;
  }

  /** What was found out last; undefined before. */
  known(url: string): T | undefined {
    return this.entries.get(url)?.value;
  }
}
