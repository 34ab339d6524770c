import type { Sums } from '../../tasks/ledger/lane-ahead';
import { insertAt, OrderedSet, removeAt, type Ordered } from './ordered-set';

/** What is added up over elements; whole numbers, so that taking away leaves no trace. */
export type Amounts = Pick<Sums, 'bytes' | 'askedTokens'>;

/** One amount of all elements. */
class Amount {
  /** Of each block's elements, in their order. */
  private readonly blocks: number[][] = [];
  /** Of each block in all, flat: they are added up at each question. */
  private readonly totals: number[] = [];

  /** Of what stands before a place of a block. */
  before(at: number, place: number): number {
    const block = this.blocks[at] ?? [];
    // From the nearer end: whoever asks is mostly among the last.
    const fromEnd = place > block.length >> 1;
    let within = 0;
    for (let index = fromEnd ? place : 0; index < (fromEnd ? block.length : place); index++)
      within += block[index] as number;
    let sum = fromEnd ? (this.totals[at] as number) - within : within;
    for (let index = 0; index < at; index++) sum += this.totals[index] as number;
    return sum;
  }

  entered(at: number, index: number, amount: number): void {
    insertAt((this.blocks[at] ??= []), index, amount);
    this.totals[at] = (this.totals[at] ?? 0) + amount;
  }

  left(at: number, index: number): void {
    const block = this.blocks[at] as number[];
    (this.totals[at] as number) -= block[index] as number;
    removeAt(block, index);
    if (block.length > 0) return;
    removeAt(this.blocks, at);
    removeAt(this.totals, at);
  }

  split(at: number, from: number): void {
    const later = (this.blocks[at] as number[]).splice(from);
    let total = 0;
    for (const amount of later) total += amount;
    (this.totals[at] as number) -= total;
    this.blocks.splice(at + 1, 0, later);
    this.totals.splice(at + 1, 0, total);
  }
}

/** An {@link OrderedSet} that also knows what all before an element add up to, at about the cost of its rank. */
export class SummedSet<T extends Ordered & Amounts> extends OrderedSet<T> {
  private readonly bytes = new Amount();
  private readonly askedTokens = new Amount();

  /** Those that go before this one, which need not be in the set: how many, and what they add up to. */
  before(element: Ordered): Sums {
    if (this.size === 0) return { tasks: 0, bytes: 0, askedTokens: 0 };
    const at = this.blockFor(element);
    const place = this.placeIn(at, element);
    return {
      tasks: this.countBefore(at, place),
      bytes: this.bytes.before(at, place),
      askedTokens: this.askedTokens.before(at, place),
    };
  }

  protected override entered(at: number, index: number, { bytes, askedTokens }: T): void {
    this.bytes.entered(at, index, bytes);
    this.askedTokens.entered(at, index, askedTokens);
  }

  protected override left(at: number, index: number): void {
    this.bytes.left(at, index);
    this.askedTokens.left(at, index);
  }

  protected override split(at: number, from: number): void {
    this.bytes.split(at, from);
    this.askedTokens.split(at, from);
  }
}
