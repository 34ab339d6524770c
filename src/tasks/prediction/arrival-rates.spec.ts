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

it('is bounded', () => {
  const rates = new ArrivalRates<{ id: string }>();
  for (let n = 0; n < 1000; n++) rates.note(kind(`k${n}`), n);
  expect([...rates.all(1000)]).toHaveLength(256);
});
