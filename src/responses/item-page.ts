import { invalid } from '../json/members';
import type { Item } from './requests/input-items';
import type { InputItemsQuery } from './responses.dto';

const LIMIT = 20;

/** One page of items, as lists of OpenAI's API are. @throws ServiceError INVALID_PARAMS for an `after` that is none of them */
export function itemPage(items: readonly Item[], { limit, order, after }: InputItemsQuery): object {
  const inOrder = order === 'asc' ? items : [...items].reverse();
  const from = after === undefined || after === null ? 0 : inOrder.findIndex(({ id }) => id === after) + 1;
  if (from === 0 && typeof after === 'string') throw invalid('after', 'be the id of one of the items');
  const data = inOrder.slice(from, from + (limit ?? LIMIT));
  return {
    object: 'list',
    data: data.map(shown),
    first_id: data[0]?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
    has_more: from + data.length < inOrder.length,
  };
}

/** A text by itself is a list of one part there. */
function shown(item: Item): object {
  const { content, role } = item;
  if (typeof content !== 'string') return item;
  const part =
    role === 'assistant'
      ? { type: 'output_text', text: content, annotations: [], logprobs: [] }
      : { type: 'input_text', text: content };
  return { status: 'completed', ...item, content: [part] };
}
