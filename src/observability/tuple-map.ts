/** A map whose keys are tuples of strings of one length. It is a tree, a level for each string, so that no key has to be joined to one text. */
export class TupleMap<T extends object> {
  private root: Node<T> = new Node();
  private values: T[] = [];

  get size(): number {
    return this.values.length;
  }

  /** @param make gives the value of a key that has none yet */
  getOrMake(key: readonly string[], make: () => T): T {
    let node = this.root;
    for (const part of key) node = node.next(part);
    if (!node.value) this.values.push((node.value = make()));
    return node.value;
  }

  /** Gives all values, the oldest first, and leaves the map empty. */
  take(): readonly T[] {
    const { values } = this;
    this.root = new Node();
    this.values = [];
    return values;
  }
}

class Node<T> {
  value: T | undefined;
  private readonly nexts = new Map<string, Node<T>>();

  next(part: string): Node<T> {
    let next = this.nexts.get(part);
    if (!next) this.nexts.set(part, (next = new Node()));
    return next;
  }
}
