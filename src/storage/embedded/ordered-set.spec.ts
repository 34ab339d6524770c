import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBefore, OrderedSet, type Ordered } from './ordered-set';

const command = fc.record({
  kind: fc.constantFrom('add', 'add', 'add', 'delete', 'rank'),
  orderKey: fc.integer({ min: 0, max: 50 }),
  pick: fc.nat(),
});

describe('OrderedSet', () => {
  it('agrees with a sorted array whatever is added, removed and ranked', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 400 }), commands => {
        const set = new OrderedSet<Ordered>();
        const model: Ordered[] = [];
        let seq = 0;
        for (const { kind, orderKey, pick } of commands) {
          const known = model.length > 0 ? model[pick % model.length] : undefined;
          if (kind === 'add' || !known) {
            const element = { orderKey, seq: ++seq };
            set.add(element);
            model.push(element);
            model.sort((a, b) => (isBefore(a, b) ? -1 : 1));
          } else if (kind === 'delete') {
            expect(set.delete(known)).toBe(true);
            expect(set.delete(known)).toBe(false);
            model.splice(model.indexOf(known), 1);
          } else {
            expect(set.rank(known)).toBe(model.indexOf(known));
          }
          expect(set.size).toBe(model.length);
          expect(set.first()).toBe(model[0]);
        }
        expect([...set.values()]).toEqual(model);
      }),
    );
  });

  it('keeps order and ranks over many blocks', () => {
    const set = new OrderedSet<Ordered>();
    const total = 20_000;
    // A full-period step visits each number once, out of order.
    for (let n = 0; n < total; n++) set.add({ orderKey: (n * 7919) % total, seq: n + 1 });
    expect([...set.values()].map(element => element.orderKey)).toEqual(Array.from({ length: total }, (_, n) => n));
    expect(set.rank({ orderKey: 12_345, seq: 0 })).toBe(12_345);
    expect(set.rank({ orderKey: total, seq: 0 })).toBe(total);
  });

  it('finds each of many that share their keys, while blocks are split and go', () => {
    const set = new OrderedSet<Ordered>();
    const all = Array.from({ length: 6000 }, (_, n) => ({ orderKey: (n * 7919) % 5, seq: n + 1 }));
    for (const element of all) set.add(element);
    const inOrder = [...all].sort((a, b) => (isBefore(a, b) ? -1 : 1));
    expect([...set.values()]).toEqual(inOrder);
    for (const [at, element] of inOrder.entries()) if (at % 97 === 0) expect(set.rank(element)).toBe(at);
    // Ends of blocks among them, and in the end whole blocks.
    const gone = all.filter(({ seq }) => seq % 3 !== 0);
    for (const element of gone) expect(set.delete(element)).toBe(true);
    const left = inOrder.filter(({ seq }) => seq % 3 === 0);
    expect([...set.values()]).toEqual(left);
    for (const element of left) expect(set.rank(element)).toBe(left.indexOf(element));
    for (const element of left.slice(0, -1)) expect(set.delete(element)).toBe(true);
    expect([set.size, set.first()]).toEqual([1, left.at(-1)]);
    for (const element of gone) set.add(element);
    expect(set.size).toBe(gone.length + 1);
    for (const element of gone) expect(set.delete(element)).toBe(true);
  });

  it('ranks an element that is not in it by where it would stand', () => {
    const set = new OrderedSet<Ordered>();
    set.add({ orderKey: 10, seq: 1 });
    expect(set.rank({ orderKey: 10, seq: 0 })).toBe(0);
    expect(set.rank({ orderKey: 10, seq: 2 })).toBe(1);
  });
});
