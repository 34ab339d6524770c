import type { Sums } from '../../tasks/ledger/task-ledger.port';
import { lowerBound, OrderedSet, type Ordered } from './ordered-set';

/** What is added up over elements; whole numbers, so that taking away leaves no trace. */
export type Amounts = Pick<Sums, 'bytes' | 'askedTokens'>;

/** The amounts of a block's elements, in their order, and in all. */
interface BlockAmounts {
  readonly bytes: number[];
  readonly askedTokens: number[];
  bytesInAll: number;
  askedTokensInAll: number;
}

/** An {@link OrderedSet} that also knows what all before an element add up to, at about the cost of its rank. */
export class SummedSet<T extends Ordered & Amounts> extends OrderedSet<T> {
  /** Of each block. */
  private readonly amounts: BlockAmounts[] = [];

  /** Those that go before this one, which need not be in the set: how many, and what they add up to. */
  before(element: Ordered): Sums {
    const at = this.blockFor(element);
    const [block, own] = [this.blocks[at], this.amounts[at]];
    if (!block || !own) return { tasks: 0, bytes: 0, askedTokens: 0 };
    let count = lowerBound(block, element);
    // From the nearer end: whoever asks is mostly among the last.
    const fromEnd = count > block.length >> 1;
    const [from, to] = fromEnd ? [count, block.length] : [0, count];
    let [bytes, askedTokens] = [0, 0];
    for (let index = from; index < to; index++) {
      bytes += own.bytes[index] as number;
      askedTokens += own.askedTokens[index] as number;
    }
    if (fromEnd) [bytes, askedTokens] = [own.bytesInAll - bytes, own.askedTokensInAll - askedTokens];
    for (let index = 0; index < at; index++) {
      const { bytesInAll, askedTokensInAll } = this.amounts[index] as BlockAmounts;
      count += (this.blocks[index] as T[]).length;
      bytes += bytesInAll;
      askedTokens += askedTokensInAll;
    }
    return { tasks: count, bytes, askedTokens };
  }

  protected override entered(at: number, index: number, { bytes, askedTokens }: T): void {
    const amounts = (this.amounts[at] ??= amountsOf([], []));
    amounts.bytes.splice(index, 0, bytes);
    amounts.askedTokens.splice(index, 0, askedTokens);
    amounts.bytesInAll += bytes;
    amounts.askedTokensInAll += askedTokens;
  }

  protected override left(at: number, index: number): void {
    const amounts = this.amounts[at] as BlockAmounts;
    amounts.bytesInAll -= amounts.bytes.splice(index, 1)[0] as number;
    amounts.askedTokensInAll -= amounts.askedTokens.splice(index, 1)[0] as number;
    if (amounts.bytes.length === 0) this.amounts.splice(at, 1);
  }

  protected override split(at: number, from: number): void {
    const amounts = this.amounts[at] as BlockAmounts;
    const later = amountsOf(amounts.bytes.splice(from), amounts.askedTokens.splice(from));
    amounts.bytesInAll -= later.bytesInAll;
    amounts.askedTokensInAll -= later.askedTokensInAll;
    this.amounts.splice(at + 1, 0, later);
  }
}

function amountsOf(bytes: number[], askedTokens: number[]): BlockAmounts {
  return { bytes, askedTokens, bytesInAll: sumOf(bytes), askedTokensInAll: sumOf(askedTokens) };
}

function sumOf(numbers: readonly number[]): number {
  let sum = 0;
  for (const one of numbers) sum += one;
  return sum;
}
