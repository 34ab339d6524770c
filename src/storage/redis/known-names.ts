/** What a look at the store has found, without the names that were being written meanwhile: what it found of them may be older. */
export interface Seen {
  readonly kept: ReadonlyMap<string, string>;
  /** Known before, and kept no more: another node has removed them. */
  readonly gone: ReadonlySet<string>;
}

/** The names that a node knows to be kept in a store, for it has written or seen them. One look and, of a name, one write at a time. */
export class KnownNames {
  private readonly known = new Set<string>();
  private readonly writing = new Set<string>();
  /** Of a write that was under way at some time since the last look began. */
  private touched = new Set<string>();

  /** @param write resolves to whether it has changed what is kept */
  async write(name: string, keeps: boolean, write: () => Promise<boolean>): Promise<void> {
    this.writing.add(name);
    this.touched.add(name);
    try {
      if (!(await write())) return;
      if (keeps) this.known.add(name);
      else this.known.delete(name);
    } catch (thrown) {
      // It may be kept or not.
      this.assume(name);
      throw thrown;
    } finally {
      this.writing.delete(name);
    }
  }

  /** The next look says of it that it is kept, or gone. */
  assume(name: string): void {
    this.known.add(name);
  }

  /** A look begins. */
  look(): void {
    this.touched = new Set(this.writing);
  }

  seen(found: ReadonlyMap<string, string>): Seen {
    const kept = new Map([...found].filter(([name]) => !this.touched.has(name)));
    const gone = new Set([...this.known].filter(name => !found.has(name) && !this.touched.has(name)));
    for (const name of gone) this.known.delete(name);
    for (const name of kept.keys()) this.known.add(name);
    return { kept, gone };
  }
}
