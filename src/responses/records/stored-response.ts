import type { Members } from '../../json/members';
import type { ResponseEnd, ResponseFacts } from '../answers/response-facts';
import type { Item } from '../requests/input-items';

/** A response that is kept: what it was asked with, and what it came to. */
export interface StoredResponse extends ResponseFacts {
  readonly asked: Members;
  /** What its own request has sent, each with an id. */
  readonly items: readonly Item[];
  readonly previousId?: string;
  /** The conversation that it is of. */
  readonly conversationId?: string;
  /** Undefined while its task has not ended, or nobody has looked at how it did. */
  readonly end?: ResponseEnd;
  /** Unix seconds. */
  readonly completedAt?: number;
}

/** Items with ids: those that came without one get one that names the response and their place. */
export function identified(taskId: string, items: readonly Item[]): readonly Item[] {
  return items.map((item, at) => ({ ...item, id: item['id'] ?? `in_${taskId}_${at}` }));
}

/** The response that an item with this id is of; undefined for an id that is none of ours. */
export function responseOfItem(itemId: string): string | undefined {
  const [, taskId] = /^(?:msg|rs|fc|in)_([0-9a-f-]{36})_\d{1,6}$/.exec(itemId) ?? [];
  return taskId === undefined ? undefined : `resp_${taskId}`;
}
