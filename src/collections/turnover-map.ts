interface Cell<V> {
  value: V | undefined;
}

/**
 * A map of what comes and goes with every task. V8 gives a Map another table whenever the one it has is full of what was removed, and
 * links the old table to the new one. A table in the old generation is kept until the next full collection, with all that stood in it when
 * it was replaced; so is the table after it, for it is linked, and so on. Here a table holds cells, and what is removed has left its cell:
 * keys and empty cells are all that an old table keeps.
 */
export class TurnoverMap<K, V> {
  private readonly cells = new Map<K, Cell<V>>();

  get size(): number {
    return this.cells.size;
  }

  has(key: K): boolean {
    return this.cells.has(key);
  }

  get(key: K): V | undefined {
    return this.cells.get(key)?.value;
  }

  /** One that is there keeps its place in the order. */
  set(key: K, value: V): void {
    const cell = this.cells.get(key);
    if (cell) cell.value = value;
    else this.cells.set(key, { value });
  }

  /** False where it was not there. */
  delete(key: K): boolean {
    const cell = this.cells.get(key);
    if (!cell) return false;
    cell.value = undefined;
    return this.cells.delete(key);
  }

  /** In the order in which they were set; what comes or goes meanwhile is seen, as with a Map. */
  *values(): IterableIterator<V> {
    for (const cell of this.cells.values()) yield cell.value as V;
  }

  /** Those that are there now, in the order in which they were set. */
  items(): V[] {
    const items: V[] = [];
    for (const cell of this.cells.values()) items.push(cell.value as V);
    return items;
  }

  *[Symbol.iterator](): IterableIterator<[key: K, value: V]> {
    for (const [key, cell] of this.cells) yield [key, cell.value as V];
  }
}
