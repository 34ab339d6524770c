import { Subject } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Narrator } from '../../observability/narrator';
import type { PlacementService } from '../../pools/placement/placement.service';
import type { MaybeLater } from '../../time/maybe-later';
import type { Claim, TaskLedger } from '../ledger/task-ledger.port';
import type { Attempts } from './attempts';
import { Dispatcher } from './dispatcher';

let wake: Subject<void>;
let ready: string[];
let started: string[];
let faults: number;
let claims: number;
let answer: (claim: Claim | undefined) => MaybeLater<Claim | undefined>;
let onStart: (taskId: string) => void;
let dispatcher: Dispatcher;

beforeEach(() => {
  wake = new Subject();
  ready = [];
  started = [];
  faults = 0;
  claims = 0;
  answer = claim => claim;
  onStart = () => undefined;
  const ledger = {
    wake$: wake,
    claim: () => {
      claims++;
      const taskId = ready.shift();
      return answer(taskId === undefined ? undefined : ({ spec: { taskId, constraints: {} } } as Claim));
    },
  } as unknown as TaskLedger;
  const attempts = {
    start: ({ spec }: Claim) => {
      started.push(spec.taskId);
      onStart(spec.taskId);
    },
  } as unknown as Attempts;
  const placement = { countPlaced: () => undefined } as unknown as PlacementService;
  dispatcher = new Dispatcher(ledger, placement, attempts, { fail: () => faults++ } as unknown as Narrator);
});
const turn = (): Promise<void> => new Promise(setImmediate);

describe.each([
  ['at once', (claim: Claim | undefined): MaybeLater<Claim | undefined> => claim],
  ['later', (claim: Claim | undefined): MaybeLater<Claim | undefined> => Promise.resolve(claim)],
])('Dispatcher, on a ledger that answers %s', (_when, how) => {
  beforeEach(() => (answer = how));

  it('starts nothing before it may, then all that can be claimed, whenever something may have become ready', async () => {
    ready = ['a', 'b'];
    wake.next();
    await turn();
    expect(started).toEqual([]);
    dispatcher.begin();
    await turn();
    expect(started).toEqual(['a', 'b']);
    ready = ['c'];
    wake.next();
    await turn();
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('looks once more after what came while it looked', async () => {
    dispatcher.begin();
    await turn();
    onStart = taskId => {
      if (taskId !== 'a') return;
      ready.push('b');
      wake.next();
    };
    ready = ['a'];
    wake.next();
    await turn();
    expect(started).toEqual(['a', 'b']);
  });

  it('goes on after a claim that fails', async () => {
    answer = () => {
      throw new Error('mine');
    };
    dispatcher.begin();
    await turn();
    answer = how;
    ready = ['a'];
    wake.next();
    await turn();
    expect([faults, started]).toEqual([1, ['a']]);
  });

  it('starts nothing once it was stopped', async () => {
    dispatcher.begin();
    await turn();
    dispatcher.stop();
    ready = ['a'];
    const before = claims;
    wake.next();
    await turn();
    expect([started, claims]).toEqual([[], before]);
  });
});
