/** Things by several values each, which takes no text that is made of them all. */
export class ValueTree<T> {
  private root: Node<T> = new Node();
  private all: T[] = [];

  get size(): number {
    return this.all.length;
  }

  /** @param make called where there is none yet */
  of(values: readonly string[], make: () => T): T {
    let node = this.root;
    for (const value of values) node = node.next(value);
    if (node.thing === undefined) this.all.push((node.thing = make()));
    return node.thing;
  }

  /** All of them, in the order in which they came; it is empty then. */
  take(): readonly T[] {
    const { all } = this;
    this.root = new Node();
    this.all = [];
    return all;
  }
}

class Node<T> {
  thing: T | undefined;
  private readonly nexts = new Map<string, Node<T>>();

  next(value: string): Node<T> {
    let next = this.nexts.get(value);
    if (!next) this.nexts.set(value, (next = new Node()));
    return next;
  }
}
