import { calledOf } from './response-tools';
import { invalid, isNothing, listIn, objectIn, textIn, type Members } from '../../json/members';

type Message = Readonly<Record<string, unknown>>;
/** An item of a response's input or output. */
export type Item = Members;

/**
 * Items as they are kept: each with its type, those of a text alone as the message of a user that they stand for.
 * @throws ServiceError INVALID_PARAMS
 */
export function itemsOf(input: unknown): readonly Item[] {
  if (isNothing(input)) return [];
  if (input === '') throw invalid('input', 'be a text or a list of items, and not empty');
  if (typeof input === 'string')
    return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }];
  return itemsIn('input', listIn('input', input));
}

/** @param field how errors name the list. @throws ServiceError INVALID_PARAMS */
export function itemsIn(field: string, list: readonly unknown[]): readonly Item[] {
  return list.map((item, at) => {
    const members = objectIn(`${field}.${at}`, item);
    return members['type'] === undefined && members['role'] !== undefined ? { type: 'message', ...members } : members;
  });
}

/** Some clients leave the type of a reference out. */
export function isReference(item: Item): boolean {
  return item['type'] === 'item_reference' || (item['type'] === undefined && Object.keys(item).join() === 'id');
}

/**
 * Messages of a chat made of items, in their order: calls that follow each other are one message of the assistant, with what it thought
 * before and the text that it said.
 * @param field how errors name the list
 * @throws ServiceError INVALID_PARAMS for what no chat has
 */
export function messagesOf(field: string, items: readonly Item[]): readonly Message[] {
  const said = new Dialogue();
  for (const [at, item] of items.entries()) take(said, `${field}.${at}`, item);
  return said.messages();
}

function take(said: Dialogue, field: string, item: Item): void {
  switch (item['type']) {
    case 'message':
      return said.message(roleOf(`${field}.role`, item['role']), contentOf(`${field}.content`, item['content']));
    case 'function_call':
      return said.call({
        id: textIn(`${field}.call_id`, item['call_id']),
        type: 'function',
        function: {
          name: calledOf(field, item['name'], item['namespace']),
          arguments: textIn(`${field}.arguments`, item['arguments']),
        },
      });
    case 'function_call_output':
      return said.answer(textIn(`${field}.call_id`, item['call_id']), outputOf(`${field}.output`, item['output']));
    case 'reasoning':
      return said.thought(thoughtOf(field, item));
    default:
      throw invalid(
        `${field}.type`,
        'be a kind of item that is taken here: message, function_call, function_call_output, reasoning or item_reference',
      );
  }
}

class Dialogue {
  private readonly list: Message[] = [];
  private thinking = '';
  /** The assistant's message that calls are added to. */
  private speech: { content: unknown; calls: object[]; thinking: string } | undefined;

  message(role: string, content: unknown): void {
    if (role === 'assistant') {
      this.flush();
      this.speech = { content, calls: [], thinking: this.thinking };
      this.thinking = '';
      return;
    }
    this.flush();
    this.list.push({ role, content });
  }

  call(call: object): void {
    if (this.thinking !== '') this.flush();
    this.speech ??= { content: null, calls: [], thinking: this.thinking };
    this.thinking = '';
    this.speech.calls.push(call);
  }

  answer(id: string, content: unknown): void {
    this.flush();
    this.list.push({ role: 'tool', tool_call_id: id, content });
  }

  thought(text: string): void {
    this.thinking += text;
  }

  messages(): readonly Message[] {
    this.flush();
    return this.list;
  }

  private flush(): void {
    if (!this.speech) return;
    const { content, calls, thinking } = this.speech;
    this.speech = undefined;
    this.list.push({
      role: 'assistant',
      content,
      ...(thinking !== '' && { reasoning_content: thinking }),
      ...(calls.length > 0 && { tool_calls: calls }),
    });
  }
}

const roles = ['user', 'assistant', 'system', 'developer'] as const;

/** Engines know no developer: it is a system to them. */
function roleOf(field: string, value: unknown): string {
  const role = roles.find(each => each === value);
  if (!role) throw invalid(field, `be ${roles.join(' or ')}`);
  return role === 'developer' ? 'system' : role;
}

function contentOf(field: string, content: unknown): unknown {
  if (typeof content === 'string') return content;
  const parts = listIn(field, content).map((part, at) => partOf(`${field}.${at}`, objectIn(`${field}.${at}`, part)));
  const texts = parts.flatMap(part => ('text' in part ? [part.text as string] : []));
  if (texts.length < parts.length) return parts;
  return texts.length === 1 ? texts[0] : texts.join('\n');
}

function partOf(field: string, part: Members): object {
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: textIn(`${field}.text`, part['text']) };
    case 'refusal':
      return { type: 'text', text: textIn(`${field}.refusal`, part['refusal']) };
    case 'input_image': {
      if (isNothing(part['image_url'])) throw invalid(`${field}.image_url`, 'be there: files are not read here');
      const { detail } = part;
      const image = { url: textIn(`${field}.image_url`, part['image_url']), ...(!isNothing(detail) && { detail }) };
      return { type: 'image_url', image_url: image };
    }
    default:
      throw invalid(`${field}.type`, 'be input_text, output_text, refusal or input_image');
  }
}

/** What a tool answered is text to a chat; pictures in it have no place there. */
function outputOf(field: string, output: unknown): string {
  if (typeof output === 'string') return output;
  return listIn(field, output)
    .map((part, at) => textIn(`${field}.${at}.text`, objectIn(`${field}.${at}`, part)['text']))
    .join('\n');
}

function thoughtOf(field: string, { content }: Item): string {
  if (isNothing(content)) return '';
  return listIn(`${field}.content`, content)
    .map((part, at) => textIn(`${field}.content.${at}.text`, objectIn(`${field}.content.${at}`, part)['text']))
    .join('');
}
