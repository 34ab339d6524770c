import { expect, it } from 'vitest';
import { ArrivalRates } from './arrival-rates';

const kind = (id: string): { id: string } => ({ id });

it('knows the rate of each kind, and forgets one that is quiet', () => {
  const rates = new ArrivalRates<{ id: string }>();
  for (let nowMs = 0; nowMs <= 200_000; nowMs += 500) rates.note(kind('often'), nowMs);
  rates.note(kind('once'), 200_000);
  const perSecond = Object.fromEntries([...rates.all(200_000)].map(([{ id }, perMs]) => [id, perMs * 1000]));
  expect(perSecond['often']).toBeCloseTo(2, 1);
  expect(perSecond['once']).toBeLessThan(0.05);
  expect([...rates.all(800_000)]).toEqual([]);
});

it('shows a kind as it was when it came last, also one that was forgotten before', () => {
  const rates = new ArrivalRates<{ id: string }>();
  const [first, second] = [kind('a'), kind('a')];
  const shown = (nowMs: number): unknown => [...rates.all(nowMs)][0]?.[0];
  rates.note(first, 0);
  rates.note(second, 1);
  expect(shown(1)).toBe(second);
  expect(shown(800_000)).toBeUndefined();
  rates.note(first, 800_000);
  expect(shown(800_000)).toBe(first);
});

it('is bounded, and forgets the one that has been quiet for longest', () => {
  const rates = new ArrivalRates<{ id: string }>();
  for (let n = 0; n < 1000; n++) rates.note(kind(`k${n}`), n);
  expect([...rates.all(1000)]).toHaveLength(256);
  rates.note(kind('k744'), 1000);
  rates.note(kind('another'), 1000);
  const ids = [...rates.all(1000)].map(([{ id }]) => id);
  expect(ids).toHaveLength(256);
  expect(ids.slice(0, 1).concat(ids.slice(-2))).toEqual(['k746', 'k744', 'another']);
});
