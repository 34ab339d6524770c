import { expect, it } from 'vitest';
import { describeOverStore, openStore } from '../../../test/support/redis-store';
import { winScript } from './scripts/attempt-scripts';

describeOverStore('endings that are asked for', server => {
  const ask = (again: string): string =>
    JSON.stringify({ id: 't', token: '', node: 'b', ending: '{}', used: [0, 0, 0], turn: 0, cut: 0, again, ttl: 1000 });

  it('are asked for again of who has the task, and won by nobody who waits for that one', async () => {
    const { store } = await openStore(server());
    const key = `${store.prefix}:t:t`;
    await store.call('HSET', key, 'st', 's', 'node', 'a', 'tok', '1');
    expect(await store.run(winScript, ask('a'))).toEqual(['asked', 'a']);
    // It was given back meanwhile.
    await store.call('HSET', key, 'st', 'q', 'node', '', 'tok', '');
    expect(await store.run(winScript, ask('a'))).toBeNull();
    expect(await store.call('HGET', key, 'st')).toBe('q');
  });
});
