import { describe, expect, it } from 'vitest';
import type { EngineProbe } from '../../engines/engine-adapter.port';
import { ConcurrencyLimits } from './concurrency-limits';

const replica = (running: number, slotsDeclared?: number, boundAtMs = 1) => ({
  boundAtMs,
  poolId: 'gpu',
  replicaId: 'r0',
  running,
  ...(slotsDeclared !== undefined && { slotsDeclared }),
});
const told = (change: Partial<EngineProbe>): EngineProbe => ({ state: 'ready', ...change });

describe('the number of attempts that an engine without slots gets at once', () => {
  it('grows while all of them are at work and none waits', () => {
    const limits = new ConcurrencyLimits();
    const limitAfter = (running: number) => limits.applied(replica(running), told({ running, waiting: 0 })).slotsTotal;
    expect([0, 1, 2, 3, 4, 8].map(limitAfter)).toEqual([1, 2, 4, 4, 8, 16]);
  });

  it('is as many as it runs, once some were seen to wait twice', () => {
    const limits = new ConcurrencyLimits();
    for (const running of [1, 2, 4, 8]) limits.applied(replica(running), told({ running, waiting: 0 }));
    const waiting = () => limits.applied(replica(16), told({ running: 5, waiting: 11 })).slotsTotal;
    expect([waiting(), waiting()]).toEqual([16, 5]);
  });

  it('is not learned from one look: what came a moment ago waits for the next step of the engine', () => {
    const limits = new ConcurrencyLimits();
    limits.applied(replica(1), told({ running: 1, waiting: 0 }));
    limits.applied(replica(2), told({ running: 1, waiting: 1 }));
    expect(limits.applied(replica(2), told({ running: 2, waiting: 0 })).slotsTotal).toBe(4);
  });

  it('is what its registration names, or what the engine itself has', () => {
    const limits = new ConcurrencyLimits();
    expect(limits.applied(replica(0, 6), told({ running: 0, waiting: 0 }))).toEqual(told({ running: 0, waiting: 0 }));
    expect(limits.applied(replica(0), told({ slotsTotal: 3 })).slotsTotal).toBe(3);
  });

  it('is one for an engine that tells neither slots nor what waits', () => {
    const limits = new ConcurrencyLimits();
    for (let probes = 0; probes < 5; probes++) expect(limits.applied(replica(1), told({})).slotsTotal).toBe(1);
  });

  it('is begun anew for a replica that is bound again', () => {
    const limits = new ConcurrencyLimits();
    for (const running of [1, 2, 4]) limits.applied(replica(running), told({ running, waiting: 0 }));
    expect(limits.applied(replica(0, undefined, 2), told({ running: 0, waiting: 0 })).slotsTotal).toBe(1);
  });

  it('leaves alone what an engine says that is not ready', () => {
    const answer: EngineProbe = { state: 'unreachable', reason: 'gone' };
    expect(new ConcurrencyLimits().applied(replica(0), answer)).toBe(answer);
  });
});
