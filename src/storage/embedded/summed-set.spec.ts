import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBefore, type Ordered } from './ordered-set';
import type { Sums } from '../../tasks/ledger/lane-ahead';
import { SummedSet, type Amounts } from './summed-set';

type Element = Ordered & Amounts;

const command = fc.record({
  kind: fc.constantFrom('add', 'add', 'add', 'delete', 'before'),
  orderKey: fc.integer({ min: 0, max: 50 }),
  pick: fc.nat(),
});

function sumsOf(elements: readonly Element[]): Sums {
  return {
    tasks: elements.length,
    bytes: elements.reduce((sum, { bytes }) => sum + bytes, 0),
    askedTokens: elements.reduce((sum, { askedTokens }) => sum + askedTokens, 0),
  };
}

describe('SummedSet', () => {
  it('agrees with a sorted array whatever is added, removed and summed', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 400 }), commands => {
        const set = new SummedSet<Element>();
        const model: Element[] = [];
        let seq = 0;
        for (const { kind, orderKey, pick } of commands) {
          const known = model.length > 0 ? model[pick % model.length] : undefined;
          if (kind === 'add' || !known) {
            const element = { orderKey, seq: ++seq, bytes: pick, askedTokens: orderKey };
            set.add(element);
            model.push(element);
            model.sort((a, b) => (isBefore(a, b) ? -1 : 1));
          } else if (kind === 'delete') {
            expect(set.delete(known)).toBe(true);
            model.splice(model.indexOf(known), 1);
          } else {
            const nobody = { orderKey, seq: 0 };
            expect(set.before(known)).toEqual(sumsOf(model.slice(0, model.indexOf(known))));
            expect(set.before(nobody)).toEqual(sumsOf(model.filter(element => isBefore(element, nobody))));
          }
        }
      }),
    );
  });

  it('keeps its sums over many blocks, while they fill, split and empty', () => {
    const set = new SummedSet<Element>();
    const total = 20_000;
    // A full-period step visits each number once, out of order.
    for (let n = 0; n < total; n++) {
      const orderKey = (n * 7919) % total;
      set.add({ orderKey, seq: n + 1, bytes: 2 * orderKey, askedTokens: 1 });
    }
    for (const count of [0, 1, 777, 12_345, total])
      expect(set.before({ orderKey: count, seq: 0 })).toEqual({
        tasks: count,
        bytes: count * (count - 1) || 0,
        askedTokens: count,
      });
    for (const element of [...set.values()]) if (element.orderKey % 3 !== 0) set.delete(element);
    const left = [...set.values()];
    for (const orderKey of [1, 5000, total])
      expect(set.before({ orderKey, seq: 0 })).toEqual(sumsOf(left.filter(element => element.orderKey < orderKey)));
    for (const element of left) set.delete(element);
    set.add({ orderKey: 1, seq: 1, bytes: 3, askedTokens: 4 });
    expect(set.before({ orderKey: 2, seq: 2 })).toEqual({ tasks: 1, bytes: 3, askedTokens: 4 });
  });
});
