import { beforeEach, describe, expect, it } from 'vitest';
import { Clock } from '../../time/clock';
import type { TaskLedger } from '../ledger/task-ledger.port';
import { Backoff } from './backoff';

let nowMs: number;
let queued: number;
let backoff: Backoff;

beforeEach(() => {
  nowMs = 0;
  queued = 0;
  const ledger = { depth: () => ({ interactive: 0, batch: queued }) } as TaskLedger;
  backoff = new Backoff(ledger, Object.assign(new Clock(), { nowMs: () => nowMs }));
});

function enqueue(count: number): void {
  queued += count;
}

/** One leaves the queue every `gapMs`. */
function depart(count: number, gapMs: number): void {
  for (let n = 0; n < count; n++) {
    nowMs += gapMs;
    queued--;
    backoff.departed();
  }
}

describe('Backoff', () => {
  it('gives the time in which a place frees, and each client refused since a later one', () => {
    enqueue(60);
    depart(50, 200);
    for (const turn of [1, 2, 3]) {
      const waitMs = backoff.adviseRefusedMs();
      expect(waitMs).toBeGreaterThanOrEqual(0.75 * turn * 200 - 1);
      expect(waitMs).toBeLessThanOrEqual(1.25 * turn * 200 + 1);
    }
  });

  it('does not take an hour without work for an hour between two places', () => {
    enqueue(50);
    depart(50, 200);
    nowMs += 3_600_000;
    enqueue(10);
    nowMs += 10;
    depart(1, 200);
    expect(backoff.adviseRefusedMs()).toBeLessThanOrEqual(251);
  });

  it('sends nobody further back for those who were refused for other reasons', () => {
    enqueue(60);
    depart(50, 200);
    for (let n = 0; n < 100; n++) backoff.adviseMs();
    expect(backoff.adviseRefusedMs()).toBeLessThanOrEqual(251);
  });

  it('asks for more patience while the queue stands still', () => {
    enqueue(60);
    depart(50, 200);
    nowMs += 10_000;
    expect(backoff.adviseRefusedMs()).toBeGreaterThanOrEqual(7500);
  });
});
