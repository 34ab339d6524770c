import { afterEach, describe, expect, it, vi } from 'vitest';
import { Alarms } from './alarms';
import { Clock } from './clock';
import { TimeUp, withinTime } from './time-limit';

describe('withinTime', () => {
  const alarms = new Alarms(new Clock());
  afterEach(() => alarms.onModuleDestroy());

  it('gives the result of what is done in time', async () => {
    expect(await withinTime(alarms, 10_000, async () => 'done')).toBe('done');
    const failing = withinTime(alarms, 10_000, () => Promise.reject(new Error('of its own')));
    await expect(failing).rejects.toThrow('of its own');
  });

  it('rejects when the time is up, though the work go on, and aborts its signal', async () => {
    const aborted = vi.fn();
    const late = withinTime(alarms, 5, signal => {
      signal.addEventListener('abort', () => void aborted(signal.reason));
      return new Promise<never>(() => undefined);
    });
    await expect(late).rejects.toBeInstanceOf(TimeUp);
    expect(aborted).toHaveBeenCalledWith(expect.any(TimeUp));
  });

  it('lets a failure that comes after the end pass unheard', async () => {
    const late = withinTime(
      alarms,
      5,
      signal => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    );
    await expect(late).rejects.toBeInstanceOf(TimeUp);
  });

  it('holds a span longer than a timer of Node can', async () => {
    const work = new Promise<string>(resolve => setTimeout(() => resolve('done'), 20));
    expect(await withinTime(alarms, 2 ** 31 + 1000, () => work)).toBe('done');
  });
});
