import { beforeEach, describe, expect, it } from 'vitest';
import { factsOf, placement, plainSpec } from '../../../test/contracts/journal-samples';
import { ServiceError } from '../../errors/service-error';
import type { Prober } from '../../pools/probing/prober';
import type { Finisher } from '../ending/finisher';
import type { TaskReporter } from '../ending/task-reporter';
import type { Claim, EndDraft, Requeue, TaskLedger } from '../ledger/task-ledger.port';
import type { ModelFaults } from './model-faults';
import { Retries } from './retries';

let requeued: Requeue[];
let ended: EndDraft[];
let probed: string[];
let told: string[];
let isHeld: boolean;
let isHopeless: boolean;
let retries: Retries;

const claim = (more: Partial<Claim> = {}): Claim =>
  ({ spec: plainSpec('t'), facts: factsOf(1), placement, attempt: 1, refusals: 0, ...more }) as Claim;

beforeEach(() => {
  requeued = [];
  ended = [];
  probed = [];
  told = [];
  isHeld = true;
  isHopeless = false;
  retries = new Retries(
    {
      requeue: (_: Claim, how: Requeue) => {
        requeued.push(how);
        return isHeld;
      },
    } as unknown as TaskLedger,
    { end: (_: Claim, draft: EndDraft) => ended.push(draft) } as unknown as Finisher,
    { probeSoon: (poolId: string, replicaId: string) => probed.push(`${poolId}/${replicaId}`) } as unknown as Prober,
    { isHopeless: async () => isHopeless } as unknown as ModelFaults,
    { retried: (_: Claim, { code }: ServiceError) => told.push(code) } as unknown as TaskReporter,
  );
});

describe('Retries', () => {
  it('gives a task back whose engine went away, has the replica asked how it is, and says so', async () => {
    const error = new ServiceError('WORKER_RESET');
    await retries.takeBack(claim(), error);
    expect(requeued).toMatchObject([{ failure: error, counts: true, avoidMs: Infinity }]);
    expect([probed, told, ended]).toEqual([['gpu-0/r1'], ['WORKER_RESET'], []]);
  });

  it('counts no attempt where the engine had no room, and waits longer each time', async () => {
    const busy = new ServiceError('ENGINE_BUSY');
    for (const refusals of [0, 3]) await retries.takeBack(claim({ refusals }), busy);
    const [first, later] = requeued;
    expect([first?.counts, later?.counts]).toEqual([false, false]);
    expect(later?.delayMs).toBeGreaterThan(4 * (first?.delayMs ?? Infinity));
  });

  it('ends a task that no engine can help, with the reason', async () => {
    await retries.takeBack(claim(), new ServiceError('INVALID_PARAMS', { message: 'too long' }));
    await retries.takeBack(claim({ attempt: 3 }), new ServiceError('WORKER_RESET', { message: 'gone' }));
    expect(requeued).toEqual([]);
    expect(ended).toMatchObject([
      { state: 'failed', error: { code: 'INVALID_PARAMS', message: 'too long' } },
      { state: 'failed', error: { code: 'REPLICA_EXHAUSTED', message: '3 attempts failed; the last: gone' } },
    ]);
  });

  it('ends a task whose model nobody can load at once, and tries another place while there is one (B-DP-155)', async () => {
    const failed = new ServiceError('MODEL_LOAD_FAILED', { message: 'it is broken' });
    await retries.takeBack(claim(), failed);
    expect([requeued.length, ended]).toEqual([1, []]);
    isHopeless = true;
    await retries.takeBack(claim(), failed);
    expect(requeued).toHaveLength(1);
    expect(ended).toMatchObject([{ state: 'failed', error: { code: 'MODEL_LOAD_FAILED', message: 'it is broken' } }]);
  });

  it('says nothing of a claim that was lost meanwhile', async () => {
    isHeld = false;
    await retries.takeBack(claim(), new ServiceError('WORKER_RESET'));
    expect(told).toEqual([]);
  });
});
