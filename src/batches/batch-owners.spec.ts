import { NEVER, Subject } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { LAST_RESORT_MS } from '../../test/support/deadline';
import { ServiceError } from '../errors/service-error';
import type { Lifecycle } from '../lifecycle/lifecycle';
import type { Narrator } from '../observability/narrator';
import type { RecordLeases } from '../records/record-leases.port';
import type { Clock } from '../time/clock';
import type { FileUpkeep } from '../uploads/file-upkeep';
import { BatchOwners } from './batch-owners';
import type { BatchRecords } from './batch-records';
import type { BatchRunner } from './batch-runner';
import type { StoredBatch } from './batch/stored-batch';

const upkeep = { spare: () => undefined } as unknown as FileUpkeep;
const lifecycle = { started: new Promise(() => undefined), draining: new Promise(() => undefined) } as Lifecycle;

function ownersOf(
  records: object,
  leases: object,
  runner: object = { find: () => undefined },
  narrator: object = {},
): BatchOwners {
  return new BatchOwners(
    ...([records as BatchRecords, leases as RecordLeases, runner as BatchRunner, upkeep] as const),
    ...([lifecycle, {} as Clock, narrator as Narrator] as const),
  );
}

it('a batch that was refused because it was not known to be durable is there for nobody to run', async () => {
  const stored = new Set<string>();
  /** What was stored when the lease was over, from when on others take what is there. */
  let left: readonly string[] | undefined;
  const records = {
    insert: async ({ id }: StoredBatch) => {
      stored.add(id);
      throw new ServiceError('STORAGE_UNAVAILABLE');
    },
    remove: async (id: string) => stored.delete(id),
  } as unknown as BatchRecords;
  const leases = {
    take: async (kind: string, id: string) => ({ kind, id, token: '1' }),
    end: async () => void (left = [...stored]),
  } as unknown as RecordLeases;
  const owners = ownersOf(records, leases);
  await expect(owners.create({ id: 'batch_x' } as StoredBatch)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  expect(left).toEqual([]);
});

it('a cancel of what another node has cancelled is told of once that is durable', async () => {
  const batch = { id: 'batch_x', status: 'cancelling', stop: 'cancelled' } as StoredBatch;
  const outcomes = [false, true];
  const written: (readonly StoredBatch[])[] = [];
  const records = {
    get: async () => batch,
    // The first time it is another one by then.
    revise: async (...texts: StoredBatch[]) => (written.push(texts), outcomes.shift()),
  };
  await ownersOf(records, {}).cancel('batch_x');
  expect(written).toEqual([
    [batch, batch],
    [batch, batch],
  ]);
});

describe('what a node that is gone has left (B-ND-014)', () => {
  const many = Array.from({ length: 100 }, (_, at) => `batch_${at}`);
  /** Who has which. */
  let owners: Map<string, number>;
  const free = (): readonly string[] => many.filter(id => !owners.has(id));
  let rouses: number;

  function node(name: number, free$: Subject<readonly string[]>): BatchOwners {
    const runs = new Set<string>();
    const records = { find: async (id: string) => ({ id, status: 'in_progress' }), open: async () => [] };
    const leases = {
      ...{ areShared: true, free$, lost$: NEVER, asked$: NEVER },
      take: async (kind: string, id: string) => {
        await Promise.resolve();
        if (owners.has(id)) return undefined;
        owners.set(id, name);
        return { kind, id, token: '1' };
      },
      rouse: async () => void rouses++,
    };
    const runner = { find: (id: string) => runs.has(id) || undefined, begin: ({ id }: StoredBatch) => runs.add(id) };
    const narrator = { tell: () => undefined, attend: (work: Promise<unknown>) => work };
    const made = ownersOf(records, leases, runner, narrator);
    made.onModuleInit();
    return made;
  }

  beforeEach(() => {
    [owners, rouses] = [new Map(), 0];
  });

  it('is taken a few at a time, and whoever takes some calls the others', async () => {
    const free$ = new Subject<readonly string[]>();
    node(1, free$);
    free$.next(free());
    // While it is at it.
    free$.next(free());
    await expect.poll(() => rouses, { timeout: LAST_RESORT_MS }).toBe(1);
    expect(owners.size).toBe(8);
    free$.next(free().slice(0, 5));
    await expect.poll(() => owners.size, { timeout: LAST_RESORT_MS }).toBe(13);
    expect(rouses).toBe(1);
  });

  it('is shared by two that look one after the other', async () => {
    const [one, other] = [new Subject<readonly string[]>(), new Subject<readonly string[]>()];
    node(1, one);
    node(2, other);
    for (let turns = 0; owners.size < many.length; turns++) {
      for (const each of [one, other]) {
        const before = rouses;
        const found = free();
        each.next(found);
        if (found.length > 8) await expect.poll(() => rouses, { timeout: LAST_RESORT_MS }).toBe(before + 1);
        else await expect.poll(() => owners.size, { timeout: LAST_RESORT_MS }).toBe(many.length);
        if (found.length <= 8) break;
      }
      expect(turns).toBeLessThan(10);
    }
    const ofOne = [...owners.values()].filter(each => each === 1).length;
    expect(Math.abs(ofOne - many.length / 2)).toBeLessThanOrEqual(8);
  });
});
