import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { ServiceError } from '../errors/service-error';
import { invalid, isNothing, objectIn } from '../json/members';
import { Clock } from '../time/clock';
import { ConversationRecords, unknownConversation, type Change } from './records/conversation-records';
import { Conversations } from './records/conversations';
import {
  CONVERSATION_PREFIX,
  conversationView,
  withItems,
  type StoredConversation,
} from './records/stored-conversation';
import { addedItems, assertIds } from './requests/conversation-items';
import type { Item } from './requests/input-items';
import { assertMetadata } from './requests/response-request';

/** Conversations: what was said, kept under an id that responses are made in. */
@Injectable()
export class ConversationsService {
  constructor(
    private readonly records: ConversationRecords,
    private readonly conversations: Conversations,
    private readonly clock: Clock,
  ) {}

  /** @param sent the body; it may be missing */
  async create(sent: unknown): Promise<object> {
    const { metadata, items } = sent === undefined ? {} : objectIn('body', sent);
    const conversation: StoredConversation = {
      id: `${CONVERSATION_PREFIX}${uuidv7()}`,
      createdAt: this.clock.wallSeconds(),
      metadata: isNothing(metadata) ? {} : metadataIn(metadata),
      items: isNothing(items) ? [] : addedItems(items),
    };
    await this.records.insert(this.records.assertBounds(conversation, 'items'));
    return conversationView(conversation);
  }

  /** @throws ServiceError CONVERSATION_NOT_FOUND, as all of these */
  async get(id: string): Promise<object> {
    return conversationView(await this.records.get(id));
  }

  /** Its metadata in place of those that it had. */
  async update(id: string, sent: unknown): Promise<object> {
    const metadata = metadataIn(objectIn('body', sent)['metadata']);
    return conversationView(await this.change(id, conversation => ({ ...conversation, metadata })));
  }

  async remove(id: string): Promise<object> {
    await this.records.remove(id);
    return { id, object: 'conversation.deleted', deleted: true };
  }

  /** In the order in which they were said. */
  async items(id: string): Promise<readonly Item[]> {
    return (await this.conversations.settled(id)).items;
  }

  /** Puts items after those that are there, and resolves to them. */
  async add(id: string, sent: unknown): Promise<readonly Item[]> {
    const added = addedItems(objectIn('body', sent)['items']);
    if (added.length === 0) throw invalid('items', 'have at least one item');
    await this.conversations.settled(id);
    await this.change(id, conversation => {
      assertIds('items', added, new Set(conversation.items.map(item => item['id'])));
      return this.records.assertBounds(withItems(conversation, added), 'items');
    });
    return added;
  }

  /** @throws ServiceError ITEM_NOT_FOUND too */
  async item(id: string, itemId: string): Promise<Item> {
    const found = (await this.items(id)).find(item => item['id'] === itemId);
    if (!found) throw unknownItem(itemId);
    return found;
  }

  /** Resolves to the conversation without it. @throws ServiceError ITEM_NOT_FOUND too */
  async removeItem(id: string, itemId: string): Promise<object> {
    await this.conversations.settled(id);
    const changed = await this.change(id, conversation => {
      const items = conversation.items.filter(item => item['id'] !== itemId);
      if (items.length === conversation.items.length) throw unknownItem(itemId);
      return { ...conversation, items };
    });
    return conversationView(changed);
  }

  private async change(id: string, to: Change): Promise<StoredConversation> {
    const changed = await this.records.change(id, to);
    if (!changed) throw unknownConversation(id);
    return changed;
  }
}

function metadataIn(value: unknown): Readonly<Record<string, string>> {
  assertMetadata(value);
  return value as Readonly<Record<string, string>>;
}

function unknownItem(id: string): ServiceError {
  return new ServiceError('ITEM_NOT_FOUND', {
    message: `The conversation has no item ${id.toWellFormed().slice(0, 128)}.`,
  });
}
