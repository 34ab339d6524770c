import { describe, expect, it } from 'vitest';
import { currentContext, followContext } from '../../observability/log-context';
import { Turns } from './turns';

/** Jobs that end when they are told to. */
class Jobs {
  readonly started: string[] = [];
  private readonly endings = new Map<string, () => void>();

  readonly job = (name: string) => (): Promise<void> => {
    this.started.push(name);
    return new Promise(resolve => this.endings.set(name, resolve));
  };

  /** Resolves once what follows from it has happened. */
  async end(name: string): Promise<void> {
    this.endings.get(name)?.();
    await settled();
  }
}

function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

describe('Turns', () => {
  it('runs one job at a time for a key, and once more what was asked for meanwhile', async () => {
    const jobs = new Jobs();
    const turns = new Turns(10);
    const ended: string[] = [];
    const take = (name: string): void => void turns.take('key', jobs.job(name)).then(() => ended.push(name));
    for (const name of ['a', 'b', 'c']) take(name);
    expect(jobs.started).toEqual(['a']);
    await jobs.end('a');
    expect([jobs.started, ended]).toEqual([['a', 'b'], ['a']]);
    take('d');
    await jobs.end('b');
    expect([jobs.started, ended]).toEqual([
      ['a', 'b', 'd'],
      ['a', 'b', 'c'],
    ]);
    await jobs.end('d');
    expect(ended).toEqual(['a', 'b', 'c', 'd']);
    expect(turns.isTaken('key')).toBe(false);
  });

  it('runs no more than its limit, first come first served, past keys that run already', async () => {
    const jobs = new Jobs();
    const turns = new Turns(2);
    for (const key of ['a', 'b', 'a', 'c', 'd']) void turns.take(key, jobs.job(`${key}${jobs.started.length}`));
    expect(jobs.started).toEqual(['a0', 'b1']);
    await jobs.end('b1');
    expect(jobs.started).toEqual(['a0', 'b1', 'c2']);
    await jobs.end('a0');
    expect(jobs.started).toEqual(['a0', 'b1', 'c2', 'a2']);
    expect(['a', 'b', 'c', 'd'].map(key => turns.isTaken(key))).toEqual([true, false, true, true]);
  });

  it('runs a job in the context of whoever asked', async () => {
    const turns = new Turns(1);
    const seen: unknown[] = [];
    const take = (id: string): Promise<void> =>
      new Promise(done => {
        const job = async (): Promise<void> => {
          await settled();
          seen.push(currentContext()?.correlation_id);
        };
        followContext({ correlation_id: id }, () => void turns.take(id, job).then(done));
      });
    await Promise.all([take('one'), take('two'), take('three')]);
    expect(seen).toEqual(['one', 'two', 'three']);
  });
});
