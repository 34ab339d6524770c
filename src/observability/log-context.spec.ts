import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { currentContext, followContext, keepContext } from './log-context';

/** Ids seen by work that a request begins, one now and one in each of the next turns, until it is told to end. */
function begin(id: string, work: () => Promise<void>): { release: () => void; ended: Promise<void> } {
  let ended = Promise.resolve();
  const release = followContext({ correlation_id: id }, () => {
    ended = work();
  });
  return { release, ended };
}

const seen = (): string | undefined => currentContext()?.correlation_id;

describe('the log context', () => {
  it('follows a request until it is released, and others meanwhile', async () => {
    const ids: (string | undefined)[] = [];
    const work = async (): Promise<void> => {
      for (let n = 0; n < 3; n++) {
        ids.push(seen());
        await turn();
      }
    };
    const [one, two] = [begin('one', work), begin('two', work)];
    one.release();
    await Promise.all([one.ended, two.ended]);
    expect(ids).toEqual(['one', 'two', 'one', 'two', 'one', 'two']);
    two.release();
    two.release();
    expect(seen()).toBeUndefined();
    const three = begin('three', work);
    await three.ended;
    three.release();
    expect(ids.slice(6)).toEqual(['three', 'three', 'three']);
  });

  it('follows work that is kept, though its request was released', async () => {
    let later: string | undefined;
    const { release, ended } = begin('one', async () => {
      const drop = keepContext();
      await turn();
      later = seen();
      drop();
    });
    release();
    await ended;
    expect(later).toBe('one');
  });

  it('keeps nothing for work that belongs to no request', () => {
    keepContext()();
    expect(seen()).toBeUndefined();
  });
});
