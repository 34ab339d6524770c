import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atLeast, atMost, toSpend } from './session-amounts';

const cost = (amount: number) => ({ tokens: 0, timeMs: 0, cost: amount });

describe('amounts of a session', () => {
  it.each([1.005, 0.07, 2.3, 0.000_001, 1000])('a cost of %d is exactly that, as a budget and as a spend', amount => {
    const whole = Math.round(amount * 1_000_000);
    expect([atLeast(cost(amount)).microCost, atMost(cost(amount)).microCost]).toEqual([whole, whole]);
  });

  it('come back as they were, so that a restart adds nothing', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 31 - 1 }), microCost => {
        const { cost: written } = toSpend({ tokens: 0, timeMs: 0, microCost });
        expect(atMost(cost(written)).microCost).toBe(microCost);
        expect(atLeast(cost(written)).microCost).toBe(microCost);
      }),
      { numRuns: 5000 },
    );
  });

  it('round a fraction of a unit against the spender', () => {
    expect(atMost({ tokens: 0.2, timeMs: 0.2, cost: 0.000_000_2 })).toEqual({ tokens: 1, timeMs: 1, microCost: 1 });
    expect(atLeast(cost(0.000_001_9)).microCost).toBe(1);
  });
});
