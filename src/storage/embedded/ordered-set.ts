/** What orders an element: smaller `orderKey` first, ties by `seq`, which is unique. */
export interface Ordered {
  readonly orderKey: number;
  readonly seq: number;
}

/** Largest block; a full one is split in two. Around the square root of a million, so that both levels stay cheap. */
const BLOCK_MAX = 1024;

/**
 * A sorted set with ranks: sorted blocks of up to {@link BLOCK_MAX} elements. Insertion and removal shift one block,
 * a rank adds up block lengths; at 1,000,000 elements that is some 2,000 short steps, all over flat arrays, which is faster
 * in practice than the pointers of a balanced tree.
 */
export class OrderedSet<T extends Ordered> {
  /** Never empty blocks; elements ascend within a block and from block to block. */
  protected readonly blocks: T[][] = [];
  private count = 0;

  get size(): number {
    return this.count;
  }

  first(): T | undefined {
    return this.blocks[0]?.[0];
  }

  /** In order, without copying; the set must not change meanwhile. */
  *values(): IterableIterator<T> {
    for (const block of this.blocks) yield* block;
  }

  /** In order, from the first element behind this one; all of them without it. */
  *valuesAfter(element: Ordered | undefined): IterableIterator<T> {
    const from = element ? this.blockFor(element) : 0;
    for (let at = from; at < this.blocks.length; at++) {
      for (const value of this.blocks[at] ?? []) if (!element || isBefore(element, value)) yield value;
    }
  }

  /** From the last to the first, without copying; the set must not change meanwhile. */
  *valuesFromLast(): IterableIterator<T> {
    for (let at = this.blocks.length - 1; at >= 0; at--) {
      const block = this.blocks[at] ?? [];
      for (let index = block.length - 1; index >= 0; index--) yield block[index] as T;
    }
  }

  /** Adds an element that is not in the set. */
  add(element: T): void {
    this.count++;
    const at = this.blockFor(element);
    const block = this.blocks[at];
    if (!block) {
      this.blocks.push([element]);
      this.entered(0, 0, element);
      return;
    }
    const index = lowerBound(block, element);
    block.splice(index, 0, element);
    this.entered(at, index, element);
    if (block.length <= BLOCK_MAX) return;
    const from = block.length >> 1;
    this.blocks.splice(at + 1, 0, block.splice(from));
    this.split(at, from);
  }

  /** Removes an element by its order; false when it is not there. */
  delete(element: Ordered): boolean {
    const at = this.blockFor(element);
    const block = this.blocks[at];
    if (!block) return false;
    const index = lowerBound(block, element);
    if (block[index]?.seq !== element.seq) return false;
    block.splice(index, 1);
    this.left(at, index);
    if (block.length === 0) this.blocks.splice(at, 1);
    this.count--;
    return true;
  }

  /** How many elements go before this one, which need not be in the set. */
  rank(element: Ordered): number {
    const at = this.blockFor(element);
    const block = this.blocks[at];
    if (!block) return 0;
    let before = lowerBound(block, element);
    for (let index = 0; index < at; index++) before += this.blocks[index]?.length ?? 0;
    return before;
  }

  /** An element stands at this place of this block now; the block is new where the set was empty. */
  protected entered(_at: number, _index: number, _element: T): void {}

  /** The element at this place of this block is gone; a block that is empty now goes next. */
  protected left(_at: number, _index: number): void {}

  /** What stood from this place on is the next block now. */
  protected split(_at: number, _from: number): void {}

  /** The first block whose last element is not before this one; the last block when all are. */
  protected blockFor(element: Ordered): number {
    let low = 0;
    let high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const last = this.blocks[middle]?.at(-1);
      if (last && isBefore(last, element)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export function isBefore(a: Ordered, b: Ordered): boolean {
  return a.orderKey < b.orderKey || (a.orderKey === b.orderKey && a.seq < b.seq);
}

/** Index of the first element that is not before `element`. */
export function lowerBound(block: readonly Ordered[], element: Ordered): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(block[middle] as Ordered, element)) low = middle + 1;
    else high = middle;
  }
  return low;
}
