import { describe, expect, it } from 'vitest';
import { Seeded } from '../../../test/prediction/seeded';
import { Trend } from './trend';

function learnt(count: number, y: (x: number) => number, x: (n: number) => number): Trend {
  const trend = new Trend();
  for (let n = 0; n < count; n++) trend.observe(x(n), y(x(n)));
  return trend;
}

describe('Trend', () => {
  it('finds the line through what it saw', () => {
    const trend = learnt(
      60,
      x => 20 + 0.5 * x,
      n => 50 + (n % 7) * 100,
    );
    for (const x of [50, 300, 800]) expect(Math.abs(trend.at(x) / (20 + 0.5 * x) - 1)).toBeLessThan(0.1);
  });

  it('is flat until x has varied, and never falls', () => {
    const same = learnt(
      20,
      () => 100,
      () => 50,
    );
    expect([same.at(50), same.at(5000)]).toEqual([100, 100]);
    const falling = learnt(
      50,
      x => 200 - x,
      n => n % 10,
    );
    expect(falling.at(100)).toBeCloseTo(falling.at(0));
  });

  it('leaves a single outlier out, and follows a change of pace within some twenty observations', () => {
    const trend = learnt(
      40,
      () => 50,
      () => 1,
    );
    trend.observe(1, 60_000);
    expect(trend.at(1)).toBeLessThan(53);
    for (let n = 0; n < 25; n++) trend.observe(1, 150);
    expect(trend.at(1)).toBeGreaterThan(110);
  });

  it('knows how far apart observations are, and says more while it has seen few', () => {
    const random = new Seeded(7);
    const trend = new Trend();
    const sds: number[] = [];
    for (let n = 0; n < 400; n++) {
      trend.observe(1, 100 + 10 * random.normal());
      sds.push(trend.sd);
    }
    expect(sds[1]).toBeGreaterThan(15);
    const settled = sds.slice(100).reduce((sum, sd) => sum + sd, 0) / 300;
    expect(settled).toBeGreaterThan(8);
    expect(settled).toBeLessThan(13);
  });

  it('goes on from what was kept', () => {
    const trend = learnt(
      30,
      x => x,
      n => 1 + (n % 5),
    );
    const kept = new Trend();
    kept.restore(JSON.parse(JSON.stringify(trend.snapshot())) as ReturnType<Trend['snapshot']>);
    expect([kept.at(3), kept.sd, kept.evidence]).toEqual([trend.at(3), trend.sd, trend.evidence]);
  });
});
