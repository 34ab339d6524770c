import { invalid, isNothing, listIn, objectIn, textIn, type Members } from '../../json/members';

type Message = Readonly<Record<string, unknown>>;

/** Messages of a chat as OpenAI's API has them, made of the system prompt and the messages of a request of Anthropic's. */
export function chatMessagesOf(system: unknown, messages: unknown): readonly Message[] {
  const list = listIn('messages', messages);
  if (list.length === 0) throw invalid('messages', 'be a list of at least one message');
  const before = isNothing(system) ? '' : textOf('system', system);
  return [
    ...(before === '' ? [] : [{ role: 'system', content: before }]),
    ...list.flatMap((message, at) => messagesOf(`messages.${at}`, objectIn(`messages.${at}`, message))),
  ];
}

function messagesOf(field: string, { role, content }: Members): readonly Message[] {
  if (role !== 'user' && role !== 'assistant' && role !== 'system')
    throw invalid(`${field}.role`, 'be user or assistant');
  const at = `${field}.content`;
  if (typeof content === 'string') return [{ role, content }];
  if (role === 'system') return [{ role, content: textOf(at, content) }];
  const blocks = listIn(at, content).map((block, index) => blockOf(`${at}.${index}`, block));
  return role === 'user' ? userMessagesOf(blocks) : [assistantMessageOf(blocks)];
}

interface Block {
  readonly field: string;
  readonly type: string;
  readonly members: Members;
}

function blockOf(field: string, value: unknown): Block {
  const members = objectIn(field, value);
  return { field, type: textIn(`${field}.type`, members['type']), members };
}

/** What tools answered goes first, each a message of its own; pictures that they answered with go with what the user says. */
function userMessagesOf(blocks: readonly Block[]): readonly Message[] {
  const answers: Message[] = [];
  const parts: object[] = [];
  for (const block of blocks) {
    if (block.type === 'tool_result') answers.push(toolAnswerOf(block, parts));
    else parts.push(...partsOf(block));
  }
  return parts.length === 0 && answers.length > 0 ? answers : [...answers, { role: 'user', content: joined(parts) }];
}

function toolAnswerOf({ field, members }: Block, pictures: object[]): Message {
  const { tool_use_id: id, content } = members;
  const texts: string[] = [];
  const blocks = isNothing(content) || typeof content === 'string' ? [] : listIn(`${field}.content`, content);
  if (typeof content === 'string') texts.push(content);
  for (const [at, each] of blocks.entries()) {
    for (const part of partsOf(blockOf(`${field}.content.${at}`, each))) {
      if ('text' in part) texts.push(String(part.text));
      else pictures.push(part);
    }
  }
  return { role: 'tool', tool_call_id: textIn(`${field}.tool_use_id`, id), content: texts.join('\n') };
}

function assistantMessageOf(blocks: readonly Block[]): Message {
  const parts: object[] = [];
  const calls: object[] = [];
  let thought = '';
  for (const block of blocks) {
    const { field, type, members } = block;
    if (type === 'thinking') thought += textIn(`${field}.thinking`, members['thinking']);
    else if (type === 'redacted_thinking')
      continue; // Only who wrote it can read it.
    else if (type === 'tool_use') calls.push(callOf(field, members));
    else parts.push(...partsOf(block));
  }
  return {
    role: 'assistant',
    content: parts.length === 0 ? (calls.length > 0 ? null : '') : joined(parts),
    ...(thought !== '' && { reasoning_content: thought }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function callOf(field: string, { id, name, input }: Members): object {
  const called = { name: textIn(`${field}.name`, name), arguments: JSON.stringify(input ?? {}) };
  return { id: textIn(`${field}.id`, id), type: 'function', function: called };
}

/** @throws ServiceError INVALID_PARAMS for a block of a kind that no chat has */
function partsOf({ field, type, members }: Block): readonly object[] {
  switch (type) {
    case 'text':
      return [{ type: 'text', text: textIn(`${field}.text`, members['text']) }];
    case 'image':
      return [{ type: 'image_url', image_url: { url: imageUrlOf(`${field}.source`, members['source']) } }];
    case 'document':
      return documentOf(`${field}.source`, members);
    case 'search_result':
      return listIn(`${field}.content`, members['content']).flatMap((part, at) =>
        partsOf(blockOf(`${field}.content.${at}`, part)),
      );
    default:
      throw invalid(
        `${field}.type`,
        'be a kind of block that is taken here: text, image, document, tool_use or tool_result',
      );
  }
}

function imageUrlOf(field: string, value: unknown): string {
  const source = objectIn(field, value);
  if (source['type'] === 'url') return textIn(`${field}.url`, source['url']);
  if (source['type'] !== 'base64') throw invalid(`${field}.type`, 'be base64 or url');
  const data = textIn(`${field}.data`, source['data']);
  return `data:${textIn(`${field}.media_type`, source['media_type'])};base64,${data}`;
}

function documentOf(field: string, { source: given, title }: Members): readonly object[] {
  const source = objectIn(field, given);
  const head = typeof title === 'string' ? [{ type: 'text', text: title }] : [];
  if (source['type'] === 'text') return [...head, { type: 'text', text: textIn(`${field}.data`, source['data']) }];
  if (source['type'] !== 'content') throw invalid(`${field}.type`, 'be text or content: files are not read here');
  const { content } = source;
  if (typeof content === 'string') return [...head, { type: 'text', text: content }];
  const parts = listIn(`${field}.content`, content).flatMap((part, at) =>
    partsOf(blockOf(`${field}.content.${at}`, part)),
  );
  return [...head, ...parts];
}

/** A text by itself is one everywhere; a list of parts is not. */
function joined(parts: readonly object[]): unknown {
  const [only] = parts;
  return parts.length === 1 && only && 'text' in only ? only.text : parts;
}

function textOf(field: string, content: unknown): string {
  if (typeof content === 'string') return content;
  return listIn(field, content)
    .map((part, at) => {
      const { type, members } = blockOf(`${field}.${at}`, part);
      if (type !== 'text') throw invalid(`${field}.${at}.type`, 'be text');
      return textIn(`${field}.${at}.text`, members['text']);
    })
    .join('\n');
}
