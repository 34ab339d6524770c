import { describe, expect, it } from 'vitest';
import { Seeded } from '../../../test/prediction/seeded';
import { Calibration } from './calibration';

const outlook = { startMs: 1000, sdMs: 100 };

/** Share of starts within what was told just before, after the first few hundred. */
function sharesWithin(actual: (random: Seeded) => number, count = 3000): { within: number; error: number } {
  const random = new Seeded(11);
  const calibration = new Calibration();
  let [within, error] = [0, 0];
  for (let n = 0; n < count; n++) {
    const told = calibration.tell(outlook);
    const actualMs = actual(random);
    if (n >= 500 && actualMs >= told.earliestMs && actualMs <= told.latestMs) within++;
    if (n >= 500) error += (told.startMs - actualMs) / (count - 500);
    calibration.observe(outlook, actualMs);
  }
  return { within: within / (count - 500), error };
}

describe('Calibration', () => {
  it.each([
    ['as the model says', (random: Seeded) => 1000 + 100 * random.normal()],
    ['three times as far off', (random: Seeded) => 1000 + 300 * random.normal()],
    ['a tenth as far off', (random: Seeded) => 1000 + 10 * random.normal()],
    ['always later', (random: Seeded) => 1400 + 100 * random.normal()],
    ['off to one side', (random: Seeded) => 950 + random.exponential(200)],
  ])('has eight of ten starts within the range that it tells, where they are %s', (_, actual) => {
    const { within } = sharesWithin(actual);
    expect(within).toBeGreaterThan(0.76);
    expect(within).toBeLessThan(0.86);
  });

  it('moves what it tells to the middle of what happens', () => {
    const { error } = sharesWithin(random => 1400 + 100 * random.normal());
    expect(Math.abs(error)).toBeLessThan(40);
  });

  it('widens at once where starts are missed, and never tells a time that is past', () => {
    const calibration = new Calibration();
    const before = calibration.tell(outlook);
    for (let n = 0; n < 10; n++) calibration.observe(outlook, 5000);
    const after = calibration.tell(outlook);
    expect(after.latestMs - after.earliestMs).toBeGreaterThan(1.5 * (before.latestMs - before.earliestMs));
    expect(calibration.tell({ startMs: 10, sdMs: 100 }).earliestMs).toBe(0);
  });

  it('goes on from what was kept', () => {
    const calibration = new Calibration();
    for (const actualMs of [1100, 900, 1500]) calibration.observe(outlook, actualMs, 0.5);
    const kept = new Calibration();
    kept.restore(calibration.snapshot());
    expect(kept.tell(outlook)).toEqual(calibration.tell(outlook));
  });
});
