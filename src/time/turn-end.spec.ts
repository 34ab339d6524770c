import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { TurnEnd } from './turn-end';

describe('TurnEnd', () => {
  it('runs jobs after the callbacks of the turn, in order, those that jobs add last and still in the same turn', async () => {
    const turnEnd = new TurnEnd();
    const seen: string[] = [];
    turnEnd.do(() => {
      seen.push('first');
      turnEnd.do(() => seen.push('added'));
    });
    turnEnd.do(() => seen.push('second'));
    const ended = turn().then(() => seen.push('next turn'));
    seen.push('callback');
    await ended;
    turnEnd.do(() => seen.push('again'));
    await turn();
    expect(seen).toEqual(['callback', 'first', 'second', 'added', 'next turn', 'again']);
  });

  it('goes on in the next turn when a job throws', async () => {
    const turnEnd = new TurnEnd();
    const thrown = vi.fn();
    const others = process.rawListeners('uncaughtException') as NodeJS.UncaughtExceptionListener[];
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', thrown);
    const after = vi.fn();
    try {
      turnEnd.do(() => {
        throw new Error('mine');
      });
      turnEnd.do(after);
      await turn();
      await turn();
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    }
    expect(thrown).toHaveBeenCalledOnce();
    expect(after).toHaveBeenCalledOnce();
  });

  it('runs no job in the context of whoever asked', async () => {
    const turnEnd = new TurnEnd();
    const context = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    context.run('request', () => turnEnd.do(() => seen.push(context.getStore())));
    await turn();
    expect(seen).toEqual([undefined]);
  });
});
