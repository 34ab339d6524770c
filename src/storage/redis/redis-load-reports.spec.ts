import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LAST_RESORT_MS } from '../../../test/support/deadline';
import { describeOverStore, openStore, type OpenStore } from '../../../test/support/redis-store';
import { REPORT_MAX_CHARS } from '../../tasks/prediction/load-reports.port';
import type { NodeBeat } from './node-beat';
import { RedisLoadReports } from './redis-load-reports';

interface Member {
  report: string | undefined;
  readonly received: (readonly [node: string, text: string])[];
  readonly loadReports: RedisLoadReports;
}

describeOverStore('load reports of nodes over a store', server => {
  const joined: RedisLoadReports[] = [];

  const join = ({ store }: OpenStore, nodeId: string): Member => {
    const member: Member = {
      report: undefined,
      received: [],
      loadReports: new RedisLoadReports(store, { nodeId } as NodeBeat),
    };
    member.loadReports.begin(
      () => member.report,
      (...message) => void member.received.push(message),
    );
    joined.push(member.loadReports);
    return member;
  };
  const two = async (): Promise<readonly [Member, Member, OpenStore]> => {
    const first = await openStore(server());
    return [join(first, 'a'), join(await first.another(), 'b'), first];
  };
  const tick = (): void => void vi.advanceTimersByTime(1000);
  const receivedBy = (member: Member): ReturnType<typeof expect.poll> =>
    expect.poll(() => member.received.splice(0), { timeout: LAST_RESORT_MS, interval: 5 });

  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => {
    for (const loadReports of joined.splice(0)) loadReports.onModuleDestroy();
    vi.useRealTimers();
  });

  it('reach every other node as they are, and not the one that sends them', async () => {
    const [a, b] = await two();
    [a.report, b.report] = ['one text, é "and" another', '{"v":1}'];
    tick();
    await receivedBy(b).toEqual([['a', a.report]]);
    await receivedBy(a).toEqual([['b', b.report]]);
  });

  it('are not passed on where they are too long, and leave nothing in the store', async () => {
    const [a, b, { store }] = await two();
    a.report = 'x'.repeat(REPORT_MAX_CHARS + 1);
    tick();
    a.report = 'x'.repeat(REPORT_MAX_CHARS);
    tick();
    await receivedBy(b).toEqual([['a', a.report]]);
    expect(await store.call('KEYS', `${store.prefix}:*`)).not.toContainEqual(expect.stringContaining('loads'));
  });

  it('are sent once a second, sooner where something has changed, and the longer they are the later', async () => {
    const { store } = await openStore(server());
    const a = join({ store } as OpenStore, 'a');
    const call = vi.spyOn(store, 'call').mockResolvedValue(0);
    const sentWithin = async (ms: number): Promise<number> => {
      call.mockClear();
      for (let passed = 0; passed < ms; passed += 100) await vi.advanceTimersByTimeAsync(100);
      return call.mock.calls.length;
    };
    a.report = 'short';
    expect(await sentWithin(3000)).toBe(3);
    a.loadReports.changed();
    expect([await sentWithin(100), await sentWithin(100), await sentWithin(900)]).toEqual([0, 1, 0]);
    expect(await sentWithin(100)).toBe(1);
    const changing = async (): Promise<number> => {
      let sent = 0;
      for (let step = 0; step < 60; step++) {
        a.loadReports.changed();
        sent += await sentWithin(100);
      }
      return sent;
    };
    expect(await changing()).toBe(30);
    a.report = 'x'.repeat(4800);
    await sentWithin(1000);
    expect(await changing()).toBe(10);
    a.report = 'x'.repeat(REPORT_MAX_CHARS);
    await sentWithin(1000);
    expect(await changing()).toBe(6);
  });

  it('do not pile up while the store owes an answer, or is away', async () => {
    const [a, b, { store }] = await two();
    a.report = 'first';
    let answer: (reply: null) => void = () => undefined;
    const call = vi.spyOn(store, 'call').mockReturnValueOnce(new Promise(resolve => (answer = resolve)));
    for (let times = 0; times < 5; times++) tick();
    expect(call).toHaveBeenCalledTimes(1);
    a.report = 'second';
    answer(null);
    await expect.poll(() => (tick(), b.received.length), { timeout: LAST_RESORT_MS }).toBeGreaterThan(0);
    expect(b.received[0]).toEqual(['a', 'second']);
    call.mockClear();
    await store.close();
    tick();
    expect(call).not.toHaveBeenCalled();
  });
});
