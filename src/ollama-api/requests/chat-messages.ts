import { invalid, isNothing, listIn, objectIn, textIn, type Members } from '../../json/members';

type Message = Members;

const roles = ['system', 'user', 'assistant', 'tool'] as const;

/** First characters of pictures in base64, by their kind. */
const kinds: readonly (readonly [start: string, type: string])[] = [
  ['/9j/', 'image/jpeg'],
  ['R0lG', 'image/gif'],
  ['UklGR', 'image/webp'],
];

/**
 * Messages of a chat as OpenAI's API has them. Calls have no ids in Ollama's: each gets one, and what a tool answered belongs to the first
 * call of that name that nobody has answered, or of any name.
 */
export function chatMessagesOf(messages: unknown): readonly Message[] {
  const open: { readonly id: string; readonly name: string }[] = [];
  let calls = 0;
  return listIn('messages', messages).map((given, at) => {
    const field = `messages.${at}`;
    const message = objectIn(field, given);
    const role = roles.find(each => each === message['role']);
    if (!role) throw invalid(`${field}.role`, `be ${roles.join(' or ')}`);
    const content = isNothing(message['content']) ? '' : textIn(`${field}.content`, message['content']);
    if (role === 'tool') {
      const name = message['tool_name'] ?? message['name'];
      const named = open.findIndex(call => call.name === name);
      const [call] = open.splice(Math.max(0, named), 1);
      return { role, tool_call_id: call?.id ?? `call_${calls}`, content };
    }
    if (role === 'user') return userMessageOf(`${field}.images`, content, message['images']);
    if (role === 'system') return { role, content };
    const { thinking, tool_calls: called } = message;
    const made = isNothing(called)
      ? []
      : listIn(`${field}.tool_calls`, called).map((call, n) => callOf(`${field}.tool_calls.${n}`, call, calls++));
    for (const {
      id,
      function: { name },
    } of made)
      open.push({ id, name });
    return {
      role,
      content: content === '' && made.length > 0 ? null : content,
      ...(!isNothing(thinking) && thinking !== '' && { reasoning_content: textIn(`${field}.thinking`, thinking) }),
      ...(made.length > 0 && { tool_calls: made }),
    };
  });
}

export function userMessageOf(field: string, content: string, images: unknown): Message {
  const pictures = isNothing(images) ? [] : listIn(field, images);
  if (pictures.length === 0) return { role: 'user', content };
  const parts = pictures.map((image, at) => {
    const data = textIn(`${field}.${at}`, image);
    const [, type = 'image/png'] = kinds.find(([start]) => data.startsWith(start)) ?? [];
    return { type: 'image_url', image_url: { url: `data:${type};base64,${data}` } };
  });
  return { role: 'user', content: [{ type: 'text', text: content }, ...parts] };
}

function callOf(field: string, given: unknown, number: number) {
  const { name, arguments: args } = objectIn(`${field}.function`, objectIn(field, given)['function']);
  const called = { name: textIn(`${field}.function.name`, name), arguments: JSON.stringify(args ?? {}) };
  return { id: `call_${number}`, type: 'function', function: called } as const;
}
