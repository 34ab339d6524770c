import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TurnoverSet, type Seat } from './turnover-set';

interface Item {
  readonly name: number;
}

describe('TurnoverSet', () => {
  it('holds what was added and not removed, whatever the order (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 200 }), steps => {
        const set = new TurnoverSet<Item>();
        const held = new Map<number, Seat<Item>>();
        for (const [name, step] of steps.entries()) {
          const names = [...held.keys()];
          const gone = names[step % (names.length * 2 + 1)];
          if (gone === undefined) held.set(name, set.add({ name }));
          else {
            expect(set.delete(held.get(gone) as Seat<Item>)).toBe(true);
            held.delete(gone);
          }
          expect(set.size).toBe(held.size);
          expect([...set].map(item => item.name).sort((a, b) => a - b)).toEqual([...held.keys()].sort((a, b) => a - b));
        }
      }),
    );
  });

  it('removes an item once, and lets go of it', () => {
    const set = new TurnoverSet<Item>();
    const [first, second] = [set.add({ name: 1 }), set.add({ name: 2 })];
    expect([set.delete(first), set.delete(first)]).toEqual([true, false]);
    expect(first.item).toBeUndefined();
    expect(second.item).toEqual({ name: 2 });
    expect(set.items()).toEqual([{ name: 2 }]);
  });

  it('is looked at as it was when the look began', () => {
    const set = new TurnoverSet<Item>();
    const seats = [1, 2, 3].map(name => set.add({ name }));
    const seen: number[] = [];
    for (const { name } of set) {
      seen.push(name);
      for (const seat of seats) set.delete(seat);
      set.add({ name: 4 });
    }
    expect(seen).toEqual([1, 2, 3]);
  });
});
