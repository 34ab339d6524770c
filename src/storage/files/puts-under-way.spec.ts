import { beforeEach, describe, expect, it } from 'vitest';
import { HandAlarms } from '../../../test/support/hand-alarms';
import { PutsUnderWay, type PutUnderWay } from './puts-under-way';

let alarms: HandAlarms;
let puts: PutsUnderWay;
let hurried: number;
/** Ends a put. */
let end: Map<PutUnderWay, (fault?: Error) => void>;

beforeEach(() => {
  alarms = new HandAlarms();
  hurried = 0;
  end = new Map();
  puts = new PutsUnderWay(alarms, () => hurried++);
});

function begin(id: string, taskId: string, isAwaited = true): { put: PutUnderWay; done: Promise<void> } {
  const put = { id, taskId, isAwaited };
  const work = new Promise<void>((resolve, reject) => end.set(put, fault => (fault ? reject(fault) : resolve())));
  return { put, done: puts.during(put, () => work) };
}
async function isOver(wait: Promise<void> | undefined): Promise<boolean> {
  const later = Symbol('later');
  const turn = new Promise(resolve => setImmediate(() => resolve(later)));
  return (await Promise.race([wait, turn])) !== later;
}

describe('puts under way', () => {
  it('are waited for by who asks for their artifact, and by nobody else', async () => {
    const [a, again, b] = [begin('a', 't1'), begin('a', 't2'), begin('b', 't3')];
    expect(puts.of('c')).toBeUndefined();
    const wait = puts.of('a');
    end.get(a.put)?.();
    await a.done;
    const waitToo = puts.of('a');
    expect([await isOver(wait), await isOver(waitToo)]).toEqual([false, false]);
    end.get(again.put)?.(new Error('full'));
    expect([await isOver(wait), await isOver(waitToo)]).toEqual([true, true]);
    await expect(again.done).rejects.toThrow('full');
    expect([puts.of('a'), alarms.delaysMs]).toEqual([undefined, []]);
    end.get(b.put)?.();
    await b.done;
    expect(puts.listed({ limit: 1 })).toBeUndefined();
  });

  it('are waited for by who lists what they may be among', async () => {
    const [a, b] = [begin('a', 't1'), begin('b', 't2')];
    expect(puts.listed({ kind: 'document', limit: 1 })).toBeUndefined();
    expect(puts.listed({ taskId: 't3', limit: 1 })).toBeUndefined();
    const [own, all] = [puts.listed({ taskId: 't1', limit: 1 }), puts.listed({ kind: 'transcript', limit: 1 })];
    end.get(a.put)?.();
    expect([await isOver(own), await isOver(all)]).toEqual([true, false]);
    end.get(b.put)?.();
    expect(await isOver(all)).toBe(true);
  });

  it('are not waited for any longer than an ending waits for its transcript', async () => {
    begin('a', 't1');
    const wait = puts.of('a');
    expect([await isOver(wait), alarms.delaysMs]).toEqual([false, [1000]]);
    alarms.ring();
    expect(await isOver(wait)).toBe(true);
  });

  it('are hurried once when somebody begins to wait for them, as does the next put of the same', () => {
    const { put } = begin('a', 't1', false);
    begin('b', 't2', true);
    expect([hurried, put.isAwaited]).toEqual([0, false]);
    void puts.of('b');
    expect(hurried).toBe(0);
    void puts.of('a');
    void puts.of('a');
    expect([hurried, put.isAwaited]).toEqual([1, true]);
    const gathered = begin('c', 't3', false);
    const next = begin('c', 't4', false);
    expect([hurried, gathered.put.isAwaited, next.put.isAwaited]).toEqual([2, true, false]);
  });
});
