import { beforeEach, describe, expect, it } from 'vitest';
import { HandAlarms } from '../../../test/support/hand-alarms';
import { AppendQueue, type Append } from './append-queue';
import { StoredName } from './artifact-name';

const GROUP_BYTES = 1000;
let alarms: HandAlarms;
let queue: AppendQueue;
let dueTimes: number;

beforeEach(() => {
  alarms = new HandAlarms();
  dueTimes = 0;
  queue = new AppendQueue(alarms, GROUP_BYTES, () => dueTimes++);
});

function append(taskId: string, bytes = 100): Append {
  const info = new StoredName({ id: 'a'.repeat(64), kind: 'transcript', taskId, createdAtMs: 1, storedAtMs: 1, bytes });
  return { info, record: '', recordBytes: bytes, done: () => undefined, failed: () => undefined };
}
const taken = (roomBytes = 10_000): (string | undefined)[] => queue.takeGroup(roomBytes).map(({ info }) => info.taskId);

describe('records to be written', () => {
  it('are due at once where somebody waits for one of them, and those that were gathered go with it', () => {
    queue.push(append('a'), false);
    queue.push(append('b'), false);
    expect([queue.isDue, dueTimes, alarms.delaysMs]).toEqual([false, 0, [100]]);
    queue.push(append('c'), true);
    expect([queue.isDue, dueTimes, alarms.delaysMs]).toEqual([true, 1, []]);
    expect([taken(), queue.isDue, queue.isEmpty]).toEqual([['a', 'b', 'c'], false, true]);
  });

  it('are due when their time of gathering is over, which begins with the first of them', () => {
    queue.push(append('a'), false);
    queue.push(append('b'), false);
    alarms.ring();
    expect([dueTimes, taken()]).toEqual([1, ['a', 'b']]);
    queue.push(append('c'), false);
    expect([queue.isDue, alarms.delaysMs]).toEqual([false, [100]]);
  });

  it('are due when they are as many as one write takes', () => {
    for (let n = 0; n < 9; n++) queue.push(append(`t${n}`), false);
    expect(queue.isDue).toBe(false);
    queue.push(append('t9'), false);
    expect([queue.isDue, alarms.delaysMs, taken().length]).toEqual([true, [], 10]);
    queue.push(append('next'), false);
    expect(queue.isDue).toBe(false);
  });

  it('are taken in as many writes as they need, with what came meanwhile, and then gathered again', () => {
    for (let n = 0; n < 12; n++) queue.push(append(`t${n}`, 200), n === 11);
    expect(taken()).toHaveLength(5);
    expect(taken()).toHaveLength(5);
    queue.push(append('later', 200), false);
    expect([queue.isDue, taken(400)]).toEqual([true, ['t10', 't11']]);
    expect([queue.isDue, queue.isEmpty]).toEqual([false, false]);
    queue.push(append('last'), true);
    expect([taken(), queue.isEmpty]).toEqual([['later', 'last'], true]);
  });

  it('are no more at once than there is room for, and one at the least', () => {
    for (let n = 0; n < 3; n++) queue.push(append(`t${n}`), true);
    expect([taken(250), taken(0)]).toEqual([['t0', 't1'], ['t2']]);
  });

  it('are not due where there are none', () => {
    queue.hurry();
    expect([queue.isDue, dueTimes]).toEqual([false, 0]);
  });
});
