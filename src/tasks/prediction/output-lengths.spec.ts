import { describe, expect, it } from 'vitest';
import { Seeded } from '../../../test/prediction/seeded';
import { OutputLengths } from './output-lengths';

/** Outputs that would have these lengths, cut off at what was asked. */
function learnt(seed: number, count: number, length: (random: Seeded) => number): OutputLengths {
  const random = new Seeded(seed);
  const lengths = new OutputLengths();
  for (let n = 0; n < count; n++) {
    const asked = random.whole(10, 200);
    const own = Math.max(1, Math.round(length(random)));
    lengths.observe(Math.min(own, asked), own < asked);
  }
  return lengths;
}

describe('OutputLengths', () => {
  it('expects all that is asked while nothing has stopped by itself', () => {
    const lengths = learnt(1, 50, () => Infinity);
    expect(lengths.left(0, 120)).toMatchObject({ mean: 120, variance: 0 });
    expect(lengths.left(100, 120)).toMatchObject({ mean: 20, variance: 0 });
    expect(lengths.left(120, 120).mean).toBe(0);
  });

  it.each([
    ['of any length', (random: Seeded) => random.exponential(80)],
    ['around a length', (random: Seeded) => 60 * Math.exp(0.5 * random.normal())],
    ['long, beyond what most may have', (random: Seeded) => 150 * Math.exp(0.3 * random.normal())],
  ])('learns how long outputs get that stop by themselves, %s, though most are cut off', (_, length) => {
    const lengths = learnt(2, 2000, length);
    const random = new Seeded(3);
    const owns = Array.from({ length: 20_000 }, () => Math.max(1, Math.round(length(random))));
    for (const [soFar, asked] of [
      [0, 40],
      [0, 150],
      [50, 200],
    ] as const) {
      const left = owns.filter(own => own > soFar).map(own => Math.min(own, asked) - soFar);
      const mean = left.reduce((sum, one) => sum + one, 0) / left.length;
      const sd = Math.sqrt(left.reduce((sum, one) => sum + (one - mean) ** 2, 0) / left.length);
      const outlook = lengths.left(soFar, asked);
      expect(Math.abs(outlook.mean - mean) / mean).toBeLessThan(0.15);
      expect(Math.abs(Math.sqrt(outlook.variance) - sd) / mean).toBeLessThan(0.2);
    }
  });

  it('doubts its mean while few have stopped', () => {
    const early = learnt(4, 10, random => random.exponential(80)).left(0, 150).doubt;
    const late = learnt(4, 500, random => random.exponential(80)).left(0, 150).doubt;
    expect(early).toBeGreaterThan(2 * late);
    expect(new OutputLengths().left(0, 150).doubt).toBe(0.5);
  });

  it('forgets how it was: two hundred outputs later only the new lengths count', () => {
    const lengths = learnt(5, 300, () => 20);
    for (let n = 0; n < 800; n++) lengths.observe(150, false);
    expect(lengths.left(0, 150).mean).toBeGreaterThan(125);
  });

  it('goes on from what was kept, and takes the longest outputs there are', () => {
    const lengths = learnt(6, 100, random => random.exponential(50));
    lengths.observe(1_048_576, true);
    const kept = new OutputLengths();
    kept.restore(JSON.parse(JSON.stringify(lengths.snapshot())) as ReturnType<OutputLengths['snapshot']>);
    expect(kept.left(7, 333)).toEqual(lengths.left(7, 333));
  });
});
