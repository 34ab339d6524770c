/** What orders an element: smaller `orderKey` first, ties by `seq`, which is unique. */
export interface Ordered {
  readonly orderKey: number;
  readonly seq: number;
}

/** Largest block; a full one is split in two. Near the square root of a million, so that both levels stay cheap. */
const BLOCK_MAX = 512;

/**
 * A sorted set with ranks: sorted blocks of up to {@link BLOCK_MAX} elements. Insertion and removal shift one block,
 * a rank adds up block lengths; at 1,000,000 elements that is some 3,000 short steps, all over flat arrays, which is faster
 * in practice than the pointers of a balanced tree. A search goes by copies of the keys: the elements themselves lie all over the
 * heap, and to look at twenty of them costs more than all the rest.
 */
export class OrderedSet<T extends Ordered> {
  /** Never empty blocks; elements ascend within a block and from block to block. */
  private readonly blocks: T[][] = [];
  /** Of each block, its elements' keys. */
  private readonly keys: number[][] = [];
  /** Of each block, the last of them, and how many they are. */
  private readonly lastKeys: number[] = [];
  private readonly sizes: number[] = [];
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

  /** Adds an element that is not in the set. */
  add(element: T): void {
    this.count++;
    const at = this.blockFor(element);
    const [block, keys] = [this.blocks[at], this.keys[at]];
    if (!block || !keys) {
      this.blocks.push([element]);
      this.keys.push([element.orderKey]);
      this.lastKeys.push(element.orderKey);
      this.sizes.push(1);
      this.entered(0, 0, element);
      return;
    }
    const index = this.placeIn(at, element);
    if (index === block.length) this.lastKeys[at] = element.orderKey;
    insertAt(block, index, element);
    insertAt(keys, index, element.orderKey);
    this.sizes[at] = block.length;
    this.entered(at, index, element);
    if (block.length <= BLOCK_MAX) return;
    const from = block.length >> 1;
    this.blocks.splice(at + 1, 0, block.splice(from));
    this.keys.splice(at + 1, 0, keys.splice(from));
    this.lastKeys.splice(at, 0, keys[from - 1] as number);
    this.sizes.splice(at, 1, from, this.blocks[at + 1]?.length ?? 0);
    this.split(at, from);
  }

  /** Removes an element by its order; false when it is not there. */
  delete(element: Ordered): boolean {
    const at = this.blockFor(element);
    const [block, keys] = [this.blocks[at], this.keys[at]];
    if (!block || !keys) return false;
    const index = this.placeIn(at, element);
    if (block[index]?.seq !== element.seq) return false;
    this.count--;
    removeAt(block, index);
    removeAt(keys, index);
    this.sizes[at] = block.length;
    this.left(at, index);
    if (block.length === 0) {
      removeAt(this.blocks, at);
      removeAt(this.keys, at);
      removeAt(this.lastKeys, at);
      removeAt(this.sizes, at);
    } else if (index === block.length) {
      this.lastKeys[at] = keys[index - 1] as number;
    }
    return true;
  }

  /** How many elements go before this one, which need not be in the set. */
  rank(element: Ordered): number {
    if (this.count === 0) return 0;
    const at = this.blockFor(element);
    return this.countBefore(at, this.placeIn(at, element));
  }

  /** How many elements stand before a place of a block. */
  protected countBefore(at: number, place: number): number {
    let before = place;
    for (let index = 0; index < at; index++) before += this.sizes[index] as number;
    return before;
  }

  /** An element stands at this place of this block now; the block is new where the set was empty. */
  protected entered(_at: number, _index: number, _element: T): void {}

  /** The element at this place of this block is gone; a block that is empty now goes next. */
  protected left(_at: number, _index: number): void {}

  /** What stood from this place on is the next block now. */
  protected split(_at: number, _from: number): void {}

  /** The first block whose last element is not before this one; the last block when all are, and 0 where there is none. */
  protected blockFor({ orderKey, seq }: Ordered): number {
    let low = 0;
    let high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const key = this.lastKeys[middle] as number;
      if (key < orderKey || (key === orderKey && (this.blocks[middle]?.at(-1)?.seq ?? 0) < seq)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of a block's first element that is not before this one. */
  protected placeIn(at: number, { orderKey, seq }: Ordered): number {
    const block = this.blocks[at] as T[];
    const keys = this.keys[at] as number[];
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const key = keys[middle] as number;
      if (key < orderKey || (key === orderKey && (block[middle] as T).seq < seq)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** At the end, where most are, it makes no other array. */
export function insertAt<E>(array: E[], index: number, element: E): void {
  if (index === array.length) array.push(element);
  else array.splice(index, 0, element);
}

/** As {@link insertAt}. */
export function removeAt(array: unknown[], index: number): void {
  if (index === array.length - 1) array.pop();
  else array.splice(index, 1);
}

export function isBefore(a: Ordered, b: Ordered): boolean {
  return a.orderKey < b.orderKey || (a.orderKey === b.orderKey && a.seq < b.seq);
}
