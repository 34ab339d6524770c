import type { Spend } from '../../sessions/session-store.port';

/** Amounts in whole units, so that sums never drift: tokens, milliseconds, and millionths of the cost's unit. */
export interface Amounts {
  readonly tokens: number;
  readonly timeMs: number;
  readonly microCost: number;
}

const MICRO = 1_000_000;
/** What binary fractions add to a decimal amount is far below a thousandth of a unit; what somebody meant is above it. */
const NOISE_STEPS = 1000;

export const nothing: Amounts = { tokens: 0, timeMs: 0, microCost: 0 };

/** Rounded up to whole units, so that a sum of many small ones is never less than what was used. */
export function atMost({ tokens, timeMs, cost }: Spend): Amounts {
  return { tokens: Math.ceil(tokens), timeMs: Math.ceil(timeMs), microCost: Math.ceil(withoutNoise(cost * MICRO)) };
}

/** Rounded down to whole units: a budget is never more than was set. */
export function atLeast({ tokens, timeMs, cost }: Spend): Amounts {
  return { tokens: Math.floor(tokens), timeMs: Math.floor(timeMs), microCost: Math.floor(withoutNoise(cost * MICRO)) };
}

export function toSpend({ tokens, timeMs, microCost }: Amounts): Spend {
  return { tokens, timeMs, cost: microCost / MICRO };
}

export function add(a: Amounts, b: Amounts): Amounts {
  return { tokens: a.tokens + b.tokens, timeMs: a.timeMs + b.timeMs, microCost: a.microCost + b.microCost };
}

export function subtract(a: Amounts, b: Amounts): Amounts {
  return { tokens: a.tokens - b.tokens, timeMs: a.timeMs - b.timeMs, microCost: a.microCost - b.microCost };
}

/** Of each amount the smaller. */
export function within(a: Amounts, bound: Amounts): Amounts {
  return {
    tokens: Math.min(a.tokens, bound.tokens),
    timeMs: Math.min(a.timeMs, bound.timeMs),
    microCost: Math.min(a.microCost, bound.microCost),
  };
}

/** 1.005 × 1,000,000 is 1004999.9999999999 in binary fractions, and means 1005000. */
function withoutNoise(units: number): number {
  return Math.round(units * NOISE_STEPS) / NOISE_STEPS;
}
