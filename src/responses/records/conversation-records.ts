import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { invalid } from '../../json/members';
import { Lifecycle } from '../../lifecycle/lifecycle';
import { Narrator } from '../../observability/narrator';
import { ApiRecords, type ApiRecord } from '../../records/api-records.port';
import { RunningTime } from '../../time/running-time';
import type { StoredConversation } from './stored-conversation';

/** Removed beside one that is written: mostly there is one too many. */
const TRIM_STEP = 20;
/** Others that change a conversation first, before one gives up: each time one of them has got on. */
const MOST_TRIES = 100;
const SWEEP_MS = 10_000;
const STEP = 100;

/** What becomes of a conversation; undefined leaves it as it is. */
export type Change = (conversation: StoredConversation) => StoredConversation | undefined;

/** The conversations that are kept, by id. Each change is durable, and stands on what is there at that time, whoever else changes it. */
@Injectable()
export class ConversationRecords {
  constructor(
    private readonly config: Config,
    private readonly records: ApiRecords,
    private readonly runningTime: RunningTime,
    private readonly lifecycle: Lifecycle,
    private readonly narrator: Narrator,
  ) {}

  async insert(conversation: StoredConversation): Promise<void> {
    await Promise.all([this.records.insert(this.recordOf(conversation)), this.keepBounds()]);
  }

  async find(id: string): Promise<StoredConversation | undefined> {
    const record = await this.records.find('conversation', id);
    return record && (JSON.parse(record.text) as StoredConversation);
  }

  /** @throws ServiceError CONVERSATION_NOT_FOUND */
  async get(id: string, field?: string): Promise<StoredConversation> {
    const found = await this.find(id);
    if (!found) throw unknownConversation(id, field);
    return found;
  }

  /**
   * Resolves to the conversation as it is then; to undefined where there is none.
   * @throws ServiceError CONVERSATION_LOCKED where too many others change it
   */
  async change(id: string, to: Change): Promise<StoredConversation | undefined> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const record = await this.records.find('conversation', id);
      if (!record) return undefined;
      const before = JSON.parse(record.text) as StoredConversation;
      const after = to(before);
      if (!after) return before;
      const [isDone] = await Promise.all([this.records.revise(this.recordOf(after), record.text), this.keepBounds()]);
      if (isDone) return after;
    }
    throw new ServiceError('CONVERSATION_LOCKED', { message: 'Too many requests change this conversation at once.' });
  }

  async remove(id: string): Promise<void> {
    if (!(await this.records.remove('conversation', id))) throw unknownConversation(id);
  }

  /**
   * @param field what of the request puts more into it
   * @throws ServiceError INVALID_PARAMS for one that is larger than one may be
   */
  assertBounds(conversation: StoredConversation, field: string): StoredConversation {
    const { conversationMaxItems: items, conversationMaxBytes: bytes } = this.config;
    if (conversation.items.length > items)
      throw invalid(field, `leave the conversation with at most ${items} items (ORCHD_CONVERSATION_MAX_ITEMS)`);
    if (Buffer.byteLength(JSON.stringify(conversation)) > bytes)
      throw invalid(field, `leave the conversation with at most ${bytes} bytes (ORCHD_CONVERSATION_MAX_BYTES)`);
    return conversation;
  }

  @Interval(SWEEP_MS)
  async forgetExpired(): Promise<void> {
    if (!this.lifecycle.isReady) return;
    const human = 'Conversations whose time is over could not be removed; it is tried again.';
    await this.narrator.attend(this.expire(), human, { event: 'conversations_not_removed' });
  }

  private async expire(): Promise<void> {
    const keptBeforeMs = this.runningTime.nowMs() - this.config.conversationRetentionMs;
    const ids = await this.records.expired('conversation', keptBeforeMs, STEP);
    await Promise.all(ids.map(id => this.records.remove('conversation', id)));
  }

  private async keepBounds(): Promise<void> {
    const { conversationsMax: records, conversationsMaxBytes: bytes } = this.config;
    await this.records.trim('conversation', { records, bytes }, TRIM_STEP);
  }

  private recordOf(conversation: StoredConversation): ApiRecord {
    return {
      kind: 'conversation',
      id: conversation.id,
      text: JSON.stringify(conversation),
      isOpen: false,
      keptFromMs: this.runningTime.nowMs(),
    };
  }
}

export function unknownConversation(id: string, field?: string): ServiceError {
  const message = `There is no conversation ${id.toWellFormed().slice(0, 128)}.`;
  return new ServiceError('CONVERSATION_NOT_FOUND', { message, ...(field !== undefined && { field }) });
}
