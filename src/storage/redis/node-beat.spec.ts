import { beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../config/config';
import type { Clock } from '../../time/clock';
import type { RunningTime } from '../../time/running-time';
import type { MemoryPoolRegistry } from '../memory/pool-registry.memory';
import type { Store } from './connection/store';
import type { StoreTask } from './held-task';
import { HeldTasks } from './held-tasks';
import { NodeBeat } from './node-beat';
import type { StoreReach } from './store-reach';

const LEASE_MS = 1000;
/** The store has renewed all that it was asked to. */
const answer = [[], [], [], [], [0, 0], 0, [], '0', 0];

let nowMs: number;
/** What passes until the store's answer is read. */
let answerMs: number;
let renewed: string[];
/** Beats that the store was asked for. */
let beats: number;
let held: HeldTasks;
let beat: NodeBeat;

beforeEach(() => {
  nowMs = 10_000;
  answerMs = 0;
  renewed = [];
  beats = 0;
  held = new HeldTasks();
  const run = async (_script: unknown, _node: string, tasks: string): Promise<unknown> => {
    beats++;
    renewed.push(...(JSON.parse(tasks) as [string, string][]).map(([id]) => id));
    nowMs += answerMs;
    return answer;
  };
  beat = new NodeBeat(
    { storeLeaseMs: LEASE_MS } as Config,
    { run } as unknown as Store,
    held,
    { view: () => [] } as unknown as MemoryPoolRegistry,
    { nowMs: () => nowMs } as Clock,
    { resumeAfter: () => undefined } as unknown as RunningTime,
    { beaten: () => undefined } as StoreReach,
  );
});

function hold(taskId: string, isEnding: boolean): StoreTask {
  const task = { taskId, token: 't', leaseUntilMs: beat.leaseUntilMs(), isEnding, settleOver: () => undefined };
  held.gain(task as unknown as StoreTask);
  return task as unknown as StoreTask;
}

describe('NodeBeat', () => {
  it('beats for whoever asks just as another beat is over, whichever step that is at', async () => {
    for (let steps = 0; steps < 20; steps++) {
      void beat.beat();
      for (let step = 0; step < steps; step++) await Promise.resolve();
      const before = beats;
      await beat.beat();
      expect([steps, beats]).toEqual([steps, before + 1]);
    }
  });

  it('renews leases well before they are over', async () => {
    const task = hold('runs', false);
    nowMs += LEASE_MS / 2;
    await beat.beat();
    expect([renewed, held.get('runs'), task.leaseUntilMs]).toEqual([['runs'], task, beat.leaseUntilMs()]);
  });

  it('has lost an attempt whose lease was over, though nobody else has taken it yet: its end may have been refused', async () => {
    hold('runs', false);
    const ending = hold('ends', true);
    nowMs += LEASE_MS;
    await beat.beat();
    expect([renewed, held.get('runs'), held.get('ends')]).toEqual([['ends'], undefined, ending]);
  });

  it('has lost one whose lease was over before the answer that renews it was read', async () => {
    hold('runs', false);
    const ending = hold('ends', true);
    nowMs += LEASE_MS / 2;
    answerMs = LEASE_MS / 2;
    await beat.beat();
    expect([renewed, held.get('runs'), held.get('ends')]).toEqual([['runs', 'ends'], undefined, ending]);
  });
});
