import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunningTime } from '../../time/running-time';
import type { ResponseRequest } from '../requests/response-request';
import type { Change, ConversationRecords } from './conversation-records';
import { Conversations } from './conversations';
import type { ResponseKeeper } from './response-keeper';
import type { StoredConversation } from './stored-conversation';

const HOUR_MS = 3_600_000;
const request = { conversationId: 'conv_a', items: [] } as unknown as ResponseRequest;

/** Of a response whose record is not there: on its way, or never made, for its service was killed. */
describe('a turn in a conversation whose response is not recorded (B-RSP-013)', () => {
  let runningMs: number;
  let kept: StoredConversation;
  let conversations: Conversations;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_700_000_000_000 });
    runningMs = 1_600_000_000_000;
    kept = { id: 'conv_a', createdAt: 0, metadata: {}, items: [] };
    const records = {
      get: async () => kept,
      change: async (_id: string, to: Change) => (kept = to(kept) ?? kept),
      assertBounds: (conversation: StoredConversation) => conversation,
    } as unknown as ConversationRecords;
    const keeper = { find: async () => undefined } as unknown as ResponseKeeper;
    conversations = new Conversations(records, keeper, { nowMs: () => runningMs } as RunningTime);
  });
  afterEach(() => void vi.useRealTimers());

  it.each([1, -1])('is not over because the wall clock is set by %i hour', async hours => {
    await conversations.begin(request, 'resp_a');
    vi.setSystemTime(Date.now() + hours * HOUR_MS);
    await expect(conversations.begin(request, 'resp_b')).rejects.toMatchObject({ code: 'CONVERSATION_LOCKED' });
  });

  it.each([1, -1])('is over after a minute, whatever the wall clock says (set by %i hour)', async hours => {
    await conversations.begin(request, 'resp_a');
    vi.setSystemTime(Date.now() + hours * HOUR_MS);
    runningMs += 60_000;
    expect((await conversations.settled('conv_a')).turn).toBeUndefined();
  });

  it('is over where an older version began it, by a wall clock that is ahead', async () => {
    kept = { ...kept, turn: { responseId: 'resp_a', sinceMs: runningMs + HOUR_MS } };
    await conversations.begin(request, 'resp_b');
    expect(kept.turn).toEqual({ responseId: 'resp_b', sinceMs: runningMs });
  });
});
