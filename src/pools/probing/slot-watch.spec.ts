import { Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Narrator } from '../../observability/narrator';
import { Alarms } from '../../time/alarms';
import { Clock } from '../../time/clock';
import type { ReplicaStatus } from '../registry/pool';
import type { PoolChange, PoolRegistry } from '../registry/pool-registry.port';
import type { PoolsService } from '../placement/pools.service';
import { SlotWatch } from './slot-watch';

class FakeClock extends Clock {
  override nowMs(): number {
    return Date.now();
  }
}

const idle = {
  ...{ poolId: 'gpu', replicaId: 'r0', ready: true, sleeping: false },
  ...{ slotsTotal: 4, slotsFree: 4, running: 0, releasing: 0, releasingUnheard: 0, slotsElsewhere: 0 },
} as unknown as ReplicaStatus;

let changes: Subject<PoolChange>;
let replica: ReplicaStatus | undefined;
let waiting: number;
let watch: SlotWatch;
let startMs: number;
/** When the engine was asked for its slots, from the start on. */
let asked: number[];

const now = (): number => Date.now() - startMs;

/** A probe, over in no time. */
function probe(): void {
  if (!replica) return;
  const { question } = watch.ask(replica);
  if (question === 'ask') asked.push(now());
  watch.seen(replica);
}

function becomes(change: Partial<ReplicaStatus>): void {
  replica = { ...idle, ...change };
}

function abandon(unheard: boolean): void {
  becomes({ releasing: 1, releasingUnheard: unheard ? 1 : 0 });
  changes.next({ poolId: 'gpu', replicaId: 'r0', kind: 'slot-releasing' });
}

const gaps = (): number[] => asked.slice(1).map((atMs, index) => atMs - (asked[index] ?? 0));

beforeEach(() => {
  vi.useFakeTimers();
  startMs = Date.now();
  asked = [];
  waiting = 0;
  changes = new Subject();
  replica = idle;
  const registry = { changes$: changes, replica: async () => replica } as unknown as PoolRegistry;
  const pools = { queueDepth: async () => waiting } as unknown as PoolsService;
  const narrator = { attend: (work: Promise<unknown>) => work } as unknown as Narrator;
  const clock = new FakeClock();
  watch = new SlotWatch(registry, pools, clock, new Alarms(clock), narrator);
  watch.onModuleInit();
  watch.due$.subscribe(probe);
});
afterEach(() => {
  watch.onModuleDestroy();
  vi.useRealTimers();
});

async function rounds(count: number, everyMs: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await vi.advanceTimersByTimeAsync(everyMs);
    probe();
  }
}

describe('an engine that is idle', () => {
  it('is asked once, and then left alone, so that it can sleep (B-CP-016)', async () => {
    await rounds(100, 2000);
    expect(asked).toEqual([2000]);
  });

  it('is asked again as soon as somebody uses it', async () => {
    await rounds(3, 2000);
    becomes({ running: 1, slotsFree: 3 });
    await rounds(2, 2000);
    becomes({ slotsElsewhere: 1, slotsFree: 3 });
    await rounds(1, 2000);
    becomes({});
    await rounds(3, 2000);
    expect(asked).toEqual([2000, 8000, 10_000, 12_000]);
  });

  it('is asked at once when it gets the first task', async () => {
    await rounds(2, 2000);
    becomes({ running: 1, slotsFree: 3 });
    changes.next({ poolId: 'gpu', replicaId: 'r0', kind: 'woken' });
    expect(asked).toEqual([2000, 4000]);
  });

  it('is asked as ever where it never sleeps', async () => {
    const { sleeping: _, ...never } = idle;
    replica = never;
    await rounds(3, 2000);
    expect(asked).toEqual([2000, 4000, 6000]);
  });

  it('is asked once more when it is bound anew', async () => {
    await rounds(2, 2000);
    changes.next({ poolId: 'gpu', replicaId: 'r0', kind: 'bound' });
    await rounds(2, 2000);
    expect(asked).toEqual([2000, 6000]);
  });
});

describe('an attempt that was broken off', () => {
  it('is looked for at once and often, until its slot is free (B-DP-207)', async () => {
    await rounds(1, 2000);
    abandon(false);
    await vi.advanceTimersByTimeAsync(350);
    becomes({});
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toEqual([2000, 2100, 2200, 2300]);
  });

  it('leaves the engine a quiet second between any two looks where it has yet to notice (B-DP-207)', async () => {
    await rounds(1, 2000);
    abandon(true);
    await rounds(100, 100);
    expect(asked[1]).toBe(3200);
    expect(Math.min(...gaps())).toBeGreaterThanOrEqual(1200);
    expect(Math.max(...gaps())).toBeLessThan(1400);
  });

  it('of a thousand that end one after another, none is looked for more often than the first', async () => {
    await rounds(1, 2000);
    for (let n = 0; n < 1000; n++) {
      abandon(false);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(Math.min(...gaps())).toBeGreaterThanOrEqual(100);
  });
});

describe('slots that others have', () => {
  const taken = { slotsElsewhere: 4, slotsFree: 0 };

  it('are looked at often while somebody waits for one, and the engine has a quiet second now and then', async () => {
    await rounds(1, 2000);
    becomes(taken);
    waiting = 1;
    probe();
    await vi.advanceTimersByTimeAsync(60_000);
    const short = gaps().filter(gap => gap > 0 && gap <= 260);
    const quiet = gaps().filter(gap => gap >= 1200);
    expect(short.length + quiet.length).toBe(gaps().length - 1);
    expect(quiet.length).toBeGreaterThanOrEqual(8);
    // What a task waits for a look on average, when a slot frees at any time.
    const meanMs = gaps().reduce((sum, gap) => sum + (gap * gap) / 2, 0) / 60_000;
    expect(meanMs).toBeLessThan(250);
  });

  it('are not looked at while nobody waits, and soon when somebody comes', async () => {
    await rounds(1, 2000);
    becomes(taken);
    probe();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toEqual([2000, 2000]);
    waiting = 1;
    await vi.advanceTimersByTimeAsync(250);
    expect(asked).toHaveLength(3);
    becomes({ slotsElsewhere: 3, slotsFree: 1 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked.length).toBeLessThanOrEqual(4);
  });

  it('are not looked at for a replica that has gone or is not ready', async () => {
    await rounds(1, 2000);
    becomes(taken);
    waiting = 1;
    probe();
    becomes({ ...taken, ready: false });
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toHaveLength(2);
    becomes(taken);
    probe();
    replica = undefined;
    changes.next({ poolId: 'gpu', replicaId: 'r0', kind: 'unbound' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toHaveLength(3);
  });
});
