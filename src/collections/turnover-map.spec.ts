import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TurnoverMap } from './turnover-map';

interface Held {
  set(key: number, value: unknown): unknown;
  delete(key: number): boolean;
}

type Command = readonly ['set', number, number] | readonly ['delete', number, number];

const command = fc.tuple(fc.constantFrom('set', 'delete'), fc.nat(12), fc.nat()) as fc.Arbitrary<Command>;

describe('TurnoverMap', () => {
  it('does as a Map does (property)', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), commands => {
        const [map, model] = [new TurnoverMap<number, number>(), new Map<number, number>()];
        for (const [verb, key, value] of commands) {
          if (verb === 'delete') expect(map.delete(key)).toBe(model.delete(key));
          else {
            map.set(key, value);
            model.set(key, value);
          }
          expect([map.size, map.has(key), map.get(key)]).toEqual([model.size, model.has(key), model.get(key)]);
          expect([...map]).toEqual([...model]);
          expect([...map.values()]).toEqual([...model.values()]);
          expect(map.items()).toEqual([...model.values()]);
        }
      }),
    );
  });

  it('sees what comes and goes while it is looked at', () => {
    const map = new TurnoverMap<string, number>();
    for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index);
    const seen: number[] = [];
    for (const value of map.values()) {
      seen.push(value);
      map.delete('b');
      if (value === 0) map.set('d', 3);
    }
    expect(seen).toEqual([0, 2, 3]);
  });

  it('lets nothing get old that has gone, where a Map does', () => {
    const [ofMap, ofTurnoverMap] = [agedBytes(new Map()), agedBytes(new TurnoverMap())];
    expect(ofTurnoverMap * 4).toBeLessThan(ofMap);
  });
});

const VALUES = 20_000;
const HELD = 64;
const VALUE_WORDS = 128;

/** By how much the old generation grows while values come and go, collecting nothing but the young one. */
function agedBytes(held: Held): number {
  setFlagsFromString('--expose-gc');
  // V8 would learn from the first of the two to begin the life of such a value in the old generation.
  setFlagsFromString('--no-allocation-site-pretenuring');
  const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
  // A full collection makes its table old: only an old one keeps what has left it.
  for (let key = 0; key < HELD; key++) held.set(key, []);
  collect();
  const before = oldBytes();
  for (let key = HELD; key < VALUES; key++) {
    held.set(key, new Array(VALUE_WORDS).fill(key));
    held.delete(key - HELD);
    if (key % (HELD * 4) === 0) collect({ type: 'minor' });
  }
  return oldBytes() - before;
}

function oldBytes(): number {
  return getHeapSpaceStatistics().find(space => space.space_name === 'old_space')?.space_used_size ?? 0;
}
