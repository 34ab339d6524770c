import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { assertIds } from '../requests/conversation-items';
import { RunningTime } from '../../time/running-time';
import { isReference } from '../requests/input-items';
import type { ResponseRequest } from '../requests/response-request';
import { ConversationRecords, unknownConversation } from './conversation-records';
import { ResponseKeeper } from './response-keeper';
import { withItems, withoutTurn, type StoredConversation } from './stored-conversation';

/** The record of a response is written within this time of when its turn was begun. */
const SETTLED_MS = 60_000;

/** Conversations, and whose turn it is in them. */
@Injectable()
export class Conversations {
  constructor(
    private readonly records: ConversationRecords,
    private readonly keeper: ResponseKeeper,
    private readonly runningTime: RunningTime,
  ) {}

  /**
   * As it stands, with what its last response came to where that has ended.
   * @throws ServiceError CONVERSATION_NOT_FOUND
   */
  async settled(id: string, field?: string): Promise<StoredConversation> {
    const found = await this.records.get(id, field);
    const { turn } = found;
    if (!turn) return found;
    // What has ended is taken up by looking it up.
    const response = await this.keeper.find(turn.responseId);
    const goesOn = response ? !response.end : this.mayCome(turn.sinceMs);
    if (goesOn) return found;
    const settled = await this.release(id, turn.responseId);
    if (!settled) throw unknownConversation(id, field);
    return settled;
  }

  /**
   * Gives the turn to the response that is about to be made, and resolves to what was said before; to undefined where it is of no conversation.
   * @throws ServiceError CONVERSATION_NOT_FOUND; CONVERSATION_LOCKED while another response is made in it; INVALID_PARAMS for what it cannot take up
   */
  async begin(
    { conversationId: id, items }: ResponseRequest,
    responseId: string,
  ): Promise<StoredConversation | undefined> {
    if (id === undefined) return undefined;
    await this.settled(id, 'conversation');
    const begun = await this.records.change(id, conversation => {
      if (conversation.turn) throw locked(conversation.turn.responseId);
      assertIds(
        'input',
        items.map(item => (isReference(item) ? {} : item)),
        new Set(conversation.items.map(item => item['id'])),
      );
      this.records.assertBounds(withItems(conversation, items), 'input');
      return { ...conversation, turn: { responseId, sinceMs: this.runningTime.nowMs() } };
    });
    if (!begun) throw unknownConversation(id, 'conversation');
    return begun;
  }

  /** Of a response that was not made after all, or is no more. */
  release(id: string, responseId: string): Promise<StoredConversation | undefined> {
    return this.records.change(id, conversation =>
      conversation.turn?.responseId === responseId ? withoutTurn(conversation) : undefined,
    );
  }

  /** Whether the record may be on its way. A time to come is of a clock that nobody goes by any more. */
  private mayCome(sinceMs: number): boolean {
    return Math.abs(this.runningTime.nowMs() - sinceMs) < SETTLED_MS;
  }
}

function locked(responseId: string): ServiceError {
  const message = `The response ${responseId} of this conversation has not ended yet.`;
  return new ServiceError('CONVERSATION_LOCKED', { field: 'conversation', message });
}
