import { faultsOf, faultsOfEvent } from '../wire/openai-schemas';
import type { ApiAnswer } from './api-answer';

interface Event {
  readonly type: string;
  readonly sequence_number: number;
}

/** What is wrong with an answer of `/v1/responses` or below it that is no refusal; of a stream also with its numbers. */
export function responsesAnswerFaults(route: string, method: string, answer: ApiAnswer): readonly string[] {
  const { contentType, text } = answer;
  if (contentType.includes('event-stream')) return streamFaults(text);
  const value = JSON.parse(text) as { readonly deleted?: boolean };
  if (route.endsWith('/input_items')) return faultsOf('ResponseItemList', value);
  if (route.endsWith('/input_tokens')) return faultsOf('TokenCountsResource', value);
  if (method === 'DELETE') return value.deleted === true ? [] : ['it does not say that it was deleted'];
  return faultsOf('Response', value);
}

interface Listed {
  readonly object?: string;
  readonly data?: readonly object[];
}

/** Conversations and their items: by what they say that they are. A list of nothing has no first item, where the schema wants a text. */
export function conversationAnswerFaults(value: Listed): readonly string[] {
  const names: Readonly<Record<string, string>> = {
    conversation: 'ConversationResource',
    'conversation.deleted': 'DeletedConversationResource',
    list: 'ConversationItemList',
  };
  const ends = value.data?.length === 0 && { first_id: '', last_id: '' };
  return faultsOf(names[value.object ?? ''] ?? 'ConversationItem', { ...value, ...ends });
}

/** A number is that of the event before or later; one may be told again where a stream that waits is kept alive. */
function streamFaults(text: string): readonly string[] {
  const faults: string[] = [];
  let before: number | undefined;
  for (const frame of text.split('\n\n').filter(each => each !== '' && !each.startsWith(':'))) {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(frame) ?? [];
    if (name === undefined || data === undefined) {
      faults.push(`no event: ${frame.slice(0, 100)}`);
      continue;
    }
    const event = JSON.parse(data) as Event;
    if (event.type !== name) faults.push(`${name} is said to be ${event.type}`);
    faults.push(...faultsOfEvent(event).map(fault => `${event.type}: ${fault}`));
    if (before !== undefined && event.sequence_number < before)
      faults.push(`${event.sequence_number} follows ${before}`);
    before = event.sequence_number;
  }
  return faults;
}
