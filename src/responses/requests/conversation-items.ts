import { v7 as uuidv7 } from 'uuid';
import { invalid, isNothing, listIn, textIn } from '../../json/members';
import { itemsIn, messagesOf, type Item } from './input-items';

/** Items that one request may add to a conversation. */
const MAX_ADDED = 20;
const MAX_ID_CHARS = 128;

/**
 * Items that are put into a conversation, in the form that they are kept in, each with an id.
 * @throws ServiceError INVALID_PARAMS naming the item at fault
 */
export function addedItems(sent: unknown): readonly Item[] {
  const list = listIn('items', sent);
  if (list.length > MAX_ADDED) throw invalid('items', `have at most ${MAX_ADDED} items`);
  const items = itemsIn('items', list);
  assertIds('items', items, new Set());
  messagesOf('items', items);
  return items.map(item => keptItem({ ...item, id: item['id'] ?? `${prefixOf(item)}_${uuidv7()}` }));
}

/**
 * @param field how errors name the list
 * @param taken ids that are no more free
 * @throws ServiceError INVALID_PARAMS for an id that is no text, or is taken
 */
export function assertIds(field: string, items: readonly Item[], taken: ReadonlySet<unknown>): void {
  const seen = new Set(taken);
  for (const [at, { id }] of items.entries()) {
    if (isNothing(id)) continue;
    const name = `${field}.${at}.id`;
    if (textIn(name, id, MAX_ID_CHARS) === '') throw invalid(name, 'not be empty');
    if (seen.has(id)) throw invalid(name, 'be that of no other item of the conversation');
    seen.add(id);
  }
}

/** As lists show it: with its status, and a text by itself as a list of one part. */
export function keptItem(item: Item): Item {
  const { type, content, role } = item;
  if (type === 'reasoning') return { summary: [], ...item };
  if (type !== 'message' || typeof content !== 'string') return { status: 'completed', ...item };
  const part =
    role === 'assistant'
      ? { type: 'output_text', text: content, annotations: [], logprobs: [] }
      : { type: 'input_text', text: content };
  return { status: 'completed', ...item, content: [part] };
}

const prefixes: Readonly<Record<string, string>> = {
  function_call: 'fc',
  function_call_output: 'fco',
  reasoning: 'rs',
};

function prefixOf({ type }: Item): string {
  return prefixes[type as string] ?? 'msg';
}
