import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LAST_RESORT_MS } from '../../../test/support/deadline';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import { WORD_MAX } from '../../tasks/prediction/hearsay.port';
import type { NodeBeat } from './node-beat';
import { RedisHearsay } from './redis-hearsay';

interface Talk {
  says: string | undefined;
  readonly heard: (readonly [node: string, word: string])[];
  readonly hearsay: RedisHearsay;
}

describeOverStore('words of nodes over a store', server => {
  const joined: RedisHearsay[] = [];

  const join = ({ store }: OpenStore, nodeId: string): Talk => {
    const talk: Talk = { says: undefined, heard: [], hearsay: new RedisHearsay(store, { nodeId } as NodeBeat) };
    talk.hearsay.begin(
      () => talk.says,
      (...word) => void talk.heard.push(word),
    );
    joined.push(talk.hearsay);
    return talk;
  };
  const two = async (): Promise<readonly [Talk, Talk, OpenStore]> => {
    const first = await openStore(server());
    return [join(first, 'a'), join(await first.another(), 'b'), first];
  };
  const tick = (): void => void vi.advanceTimersByTime(1000);
  const heardBy = (talk: Talk): ReturnType<typeof expect.poll> =>
    expect.poll(() => talk.heard.splice(0), { timeout: LAST_RESORT_MS, interval: 5 });

  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => {
    for (const hearsay of joined.splice(0)) hearsay.onModuleDestroy();
    vi.useRealTimers();
  });

  it('reach every other node as they are, and not the one that says them', async () => {
    const [a, b] = await two();
    [a.says, b.says] = ['one word, é "and" another', '{"v":1}'];
    tick();
    await heardBy(b).toEqual([['a', a.says]]);
    await heardBy(a).toEqual([['b', b.says]]);
  });

  it('are not passed on where they are too long, and leave nothing in the store', async () => {
    const [a, b, { store }] = await two();
    a.says = 'x'.repeat(WORD_MAX + 1);
    tick();
    a.says = 'x'.repeat(WORD_MAX);
    tick();
    await heardBy(b).toEqual([['a', a.says]]);
    expect(await store.call('KEYS', `${store.prefix}:*`)).not.toContainEqual(expect.stringContaining('hearsay'));
  });

  it('are said once a second, sooner where something has changed, and the longer they are the later', async () => {
    const { store } = await openStore(server());
    const a = join({ store } as OpenStore, 'a');
    const call = vi.spyOn(store, 'call').mockResolvedValue(0);
    const saidWithin = async (ms: number): Promise<number> => {
      call.mockClear();
      for (let passed = 0; passed < ms; passed += 100) await vi.advanceTimersByTimeAsync(100);
      return call.mock.calls.length;
    };
    a.says = 'short';
    expect(await saidWithin(3000)).toBe(3);
    a.hearsay.changed();
    expect([await saidWithin(100), await saidWithin(100), await saidWithin(900)]).toEqual([0, 1, 0]);
    expect(await saidWithin(100)).toBe(1);
    const changing = async (): Promise<number> => {
      let said = 0;
      for (let step = 0; step < 60; step++) {
        a.hearsay.changed();
        said += await saidWithin(100);
      }
      return said;
    };
    expect(await changing()).toBe(30);
    a.says = 'x'.repeat(4800);
    await saidWithin(1000);
    expect(await changing()).toBe(10);
    a.says = 'x'.repeat(WORD_MAX);
    await saidWithin(1000);
    expect(await changing()).toBe(6);
  });

  it('do not pile up while the store owes an answer, or is away', async () => {
    const [a, b, { store }] = await two();
    a.says = 'first';
    let answer: (reply: null) => void = () => undefined;
    const call = vi.spyOn(store, 'call').mockReturnValueOnce(new Promise(resolve => (answer = resolve)));
    for (let times = 0; times < 5; times++) tick();
    expect(call).toHaveBeenCalledTimes(1);
    a.says = 'second';
    answer(null);
    await expect.poll(() => (tick(), b.heard.length), { timeout: LAST_RESORT_MS }).toBeGreaterThan(0);
    expect(b.heard[0]).toEqual(['a', 'second']);
    call.mockClear();
    await store.close();
    tick();
    expect(call).not.toHaveBeenCalled();
  });
});
