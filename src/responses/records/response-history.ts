import { Injectable } from '@nestjs/common';
import { invalid } from '../../json/members';
import type { Item } from '../requests/input-items';
import { ResponseKeeper } from './response-keeper';
import { unknownResponse } from './response-records';
import { responseOfItem } from './stored-response';

/** Responses that one may stand on, one before the other. */
const MAX_CHAIN = 256;

/** What was said before a request: the items of the responses that it goes on from, and those that it refers to. */
@Injectable()
export class ResponseHistory {
  constructor(private readonly keeper: ResponseKeeper) {}

  /**
   * The oldest first. Instructions of earlier responses are not among them.
   * @throws ServiceError RESPONSE_NOT_FOUND; INVALID_PARAMS for one that has not ended, and for a chain that is too long
   */
  async before(previousId: string | undefined): Promise<readonly Item[]> {
    const chain: (readonly Item[])[] = [];
    for (let id = previousId; id !== undefined;) {
      if (chain.length === MAX_CHAIN)
        throw invalid('previous_response_id', `have at most ${MAX_CHAIN} responses before it`);
      const response = await this.keeper.find(id);
      if (!response) throw unknownResponse(id, 'previous_response_id');
      if (!response.end) throw invalid('previous_response_id', 'be a response that has ended');
      chain.push([...response.items, ...(response.end.output as Item[])]);
      id = response.previousId;
    }
    return chain.reverse().flat();
  }

  /** Items with those in place of references to them. @throws ServiceError INVALID_PARAMS */
  async resolved(items: readonly Item[]): Promise<readonly Item[]> {
    if (!items.some(isReference)) return items;
    const resolved: Item[] = [];
    for (const [at, item] of items.entries())
      resolved.push(isReference(item) ? await this.referred(`input.${at}.id`, item['id']) : item);
    return resolved;
  }

  private async referred(field: string, id: unknown): Promise<Item> {
    const responseId = typeof id === 'string' ? responseOfItem(id) : undefined;
    const response = responseId === undefined ? undefined : await this.keeper.find(responseId);
    const items = response && [...response.items, ...((response.end?.output ?? []) as Item[])];
    const found = items?.find(item => item['id'] === id);
    if (!found) throw invalid(field, 'be the id of an item of a response that is kept here');
    return found;
  }
}

/** Some clients leave the type of a reference out. */
function isReference(item: Item): boolean {
  return item['type'] === 'item_reference' || (item['type'] === undefined && Object.keys(item).join() === 'id');
}
