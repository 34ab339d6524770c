import { Subject } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../time/clock';
import type { Store } from './connection/store';
import { StoreReach } from './store-reach';

describe('whether a node has its store (B-ND-028)', () => {
  let nowMs: number;
  let store: { isUp: boolean; readonly up$: Subject<void> };
  let reach: StoreReach;

  beforeEach(() => {
    nowMs = 50_000;
    store = { isUp: false, up$: new Subject<void>() };
    reach = new StoreReach(store as unknown as Store, { nowMs: () => nowMs } as Clock);
    up();
    reach.beaten();
  });

  const up = (): void => {
    store.isUp = true;
    store.up$.next();
  };
  const down = (): void => void (store.isUp = false);

  it('has none before the first beat came back', () => {
    const starting = new StoreReach(store as unknown as Store, { nowMs: () => nowMs } as Clock);
    expect(starting.isCutOff).toBe(true);
  });

  it('has it while the connection is there, however long a beat takes', () => {
    nowMs += 60_000;
    expect(reach.isCutOff).toBe(false);
  });

  it('does not say that a connection broke which is there again within a second of the last beat', () => {
    down();
    nowMs += 1000;
    expect(reach.isCutOff).toBe(false);
    up();
    expect(reach.isCutOff).toBe(false);
    reach.beaten();
    nowMs += 60_000;
    expect([reach.isCutOff, reach.regainedAtMs]).toEqual([false, 50_000]);
  });

  it('has none a second after the last beat, until a beat came back over a new connection', () => {
    down();
    nowMs += 1001;
    expect(reach.isCutOff).toBe(true);
    up();
    expect(reach.isCutOff).toBe(true);
    expect(reach.regainedAtMs).toBe(50_000);
    reach.beaten();
    expect([reach.isCutOff, reach.regainedAtMs]).toEqual([false, 51_001]);
  });

  it('has none at once where the last beat is long ago: the connection was silent until it was given up', () => {
    nowMs += 3000;
    expect(reach.isCutOff).toBe(false);
    down();
    expect(reach.isCutOff).toBe(true);
  });

  it('has none while connections come and go that carry no beat', () => {
    for (let times = 0; times < 4; times++) {
      down();
      nowMs += 300;
      up();
    }
    expect(reach.isCutOff).toBe(true);
  });
});
