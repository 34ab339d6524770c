import type { Item } from '../requests/input-items';

/** A conversation as its record has it. */
export interface StoredConversation {
  readonly id: string;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order in which they were said, each with an id of its own. */
  readonly items: readonly Item[];
  /** The response that is being made in it: one at a time, so that each knows what was said before. */
  readonly turn?: Turn;
}

export interface Turn {
  readonly responseId: string;
  /** {@link RunningTime} at which it was begun. */
  readonly sinceMs: number;
}

export const CONVERSATION_PREFIX = 'conv_';

/** As it is shown: its items are asked for by themselves. */
export function conversationView({ id, createdAt, metadata }: StoredConversation): object {
  return { id, object: 'conversation', created_at: createdAt, metadata };
}

/** With these after all others, less those whose ids it has already. */
export function withItems(conversation: StoredConversation, items: readonly Item[]): StoredConversation {
  const ids = new Set(conversation.items.map(({ id }) => id));
  const added = items.filter(({ id }) => {
    const isNew = !ids.has(id);
    ids.add(id);
    return isNew;
  });
  return { ...conversation, items: [...conversation.items, ...added] };
}

/** The same while nothing is made in it. */
export function withoutTurn({ turn: _, ...conversation }: StoredConversation): StoredConversation {
  return conversation;
}
