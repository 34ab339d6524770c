import { Injectable } from '@nestjs/common';
import { invalid } from '../../json/members';
import { isReference, type Item } from '../requests/input-items';
import { ConversationRecords } from './conversation-records';
import { ResponseKeeper } from './response-keeper';
import { unknownResponse } from './response-records';
import { responseOfItem, type StoredResponse } from './stored-response';

/** Responses that one may stand on, one before the other. */
const MAX_CHAIN = 256;

/** What was said before a request: the items of the responses that it goes on from, and those that it refers to. */
@Injectable()
export class ResponseHistory {
  constructor(
    private readonly keeper: ResponseKeeper,
    private readonly conversations: ConversationRecords,
  ) {}

  /**
   * The oldest first. Instructions of earlier responses are not among them.
   * @throws ServiceError RESPONSE_NOT_FOUND; INVALID_PARAMS for one that has not ended, and for a chain that is too long
   */
  async before(previousId: string | undefined): Promise<readonly Item[]> {
    const chain: (readonly Item[])[] = [];
    for (let [id, length] = [previousId, 0]; id !== undefined; length++) {
      if (length === MAX_CHAIN) throw invalid('previous_response_id', `have at most ${MAX_CHAIN} responses before it`);
      const response = await this.keeper.find(id);
      if (!response) throw unknownResponse(id, 'previous_response_id');
      if (!response.end) throw invalid('previous_response_id', 'be a response that has ended');
      chain.push([...response.items, ...(response.end.output as Item[])], await this.talkBefore(response));
      id = response.previousId;
    }
    return chain.reverse().flat();
  }

  /** What stood in its conversation before a response, as far as that is kept. */
  async talkBefore({ conversationId: id, items: own }: StoredResponse): Promise<readonly Item[]> {
    const conversation = id === undefined ? undefined : await this.conversations.find(id);
    if (!conversation) return [];
    const ids = new Set(own.map(item => item['id']));
    const at = conversation.items.findIndex(item => ids.has(item['id']));
    return at < 0 ? conversation.items : conversation.items.slice(0, at);
  }

  /**
   * Items with those in place of references to them.
   * @param said items of the conversation that they are said in
   * @throws ServiceError INVALID_PARAMS
   */
  async resolved(items: readonly Item[], said: readonly Item[] = []): Promise<readonly Item[]> {
    if (!items.some(isReference)) return items;
    const resolved: Item[] = [];
    for (const [at, item] of items.entries())
      resolved.push(isReference(item) ? await this.referred(`input.${at}.id`, item['id'], said) : item);
    return resolved;
  }

  private async referred(field: string, id: unknown, said: readonly Item[]): Promise<Item> {
    const known = said.find(item => item['id'] === id);
    if (known) return known;
    const responseId = typeof id === 'string' ? responseOfItem(id) : undefined;
    const response = responseId === undefined ? undefined : await this.keeper.find(responseId);
    const items = response && [...response.items, ...((response.end?.output ?? []) as Item[])];
    const found = items?.find(item => item['id'] === id);
    if (!found) throw invalid(field, 'be the id of an item of a response that is kept here');
    return found;
  }
}
