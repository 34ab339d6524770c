import { Subject } from 'rxjs';
import { afterEach, expect, it, vi } from 'vitest';
import { LAST_RESORT_MS } from '../../../test/support/deadline';
import type { Config } from '../../config/config';
import type { Lifecycle } from '../../lifecycle/lifecycle';
import type { Narrator } from '../../observability/narrator';
import type { TaskEvents } from '../../openai/answers/task-events.service';
import type { Finisher } from '../../tasks/ending/finisher';
import { Clock } from '../../time/clock';
import type { RunningTime } from '../../time/running-time';
import type { ConversationRecords } from './conversation-records';
import { ResponseKeeper } from './response-keeper';
import type { ResponseRecords } from './response-records';
import type { StoredResponse } from './stored-response';

const HOUR_MS = 3_600_000;

afterEach(() => void vi.useRealTimers());

it('a response that is just being admitted is watched, though the wall clock is set, and is not for ever (B-RSP-008)', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 });
  let nowMs = 1000;
  const clock = Object.assign(new Clock(), { nowMs: () => nowMs });
  const ended$ = new Subject<string>();
  const finished: string[] = [];
  const records = {
    unfinished: async () => [],
    finish: async ({ id }: StoredResponse) => void finished.push(id),
  } as unknown as ResponseRecords;
  const keeper = new ResponseKeeper(
    { store: { kind: 'store' } } as unknown as Config,
    records,
    {} as ConversationRecords,
    { each: async () => undefined } as unknown as TaskEvents,
    { ended$ } as unknown as Finisher,
    {} as RunningTime,
    clock,
    { started: new Promise<void>(() => undefined), isReady: true } as Lifecycle,
    { attend: (work: Promise<unknown>) => work } as unknown as Narrator,
  );
  keeper.onApplicationBootstrap();
  const watch = (id: string): void =>
    keeper.watch({ id, taskId: id, createdAt: clock.wallSeconds() } as StoredResponse);
  watch('a');
  watch('b');
  vi.setSystemTime(Date.now() + HOUR_MS);
  await keeper.lookAgain();
  ended$.next('a');
  await vi.waitFor(() => expect(finished).toEqual(['a']), { timeout: LAST_RESORT_MS });
  nowMs += 60_001;
  await keeper.lookAgain();
  ended$.next('b');
  watch('c');
  ended$.next('c');
  await vi.waitFor(() => expect(finished).toEqual(['a', 'c']), { timeout: LAST_RESORT_MS });
});
