import {
  choiceIn,
  flagIn,
  integerIn,
  invalid,
  isNothing,
  listIn,
  modelIn,
  objectIn,
  textIn,
  type Members,
} from '../../json/members';
import type { OpenaiRequest } from '../../openai/requests/openai-request';
import { itemsOf, messagesOf, type Item } from './input-items';
import { chatToolsOf, shownTools } from './response-tools';

/** One request for a response, as far as it can be read by itself. */
export interface ResponseRequest {
  /** As the client sent it. */
  readonly body: Members;
  /** What it adds to what was said before. */
  readonly items: readonly Item[];
  readonly stream: boolean;
  readonly background: boolean;
  readonly store: boolean;
  readonly previousId: string | undefined;
  /** The conversation whose items go before its own, and that takes them up once it has ended. */
  readonly conversationId: string | undefined;
  /** Members of the response that say what it was asked with. */
  readonly asked: Members;
}

const MAX_TOKENS = 16_777_216;
const MAX_ID_CHARS = 128;
const MAX_PAIRS = 16;
const MAX_KEY_CHARS = 64;
const MAX_VALUE_CHARS = 512;

/** What the service reads or the response tells; all else goes to the engine. */
const own: ReadonlySet<string> = new Set([
  ...['model', 'input', 'instructions', 'stream', 'stream_options', 'background', 'store', 'previous_response_id'],
  ...['conversation', 'tools', 'tool_choice', 'text', 'reasoning', 'max_output_tokens', 'max_tool_calls', 'include'],
  ...['truncation', 'prompt', 'metadata', 'top_logprobs', 'parallel_tool_calls', 'prompt_cache_retention'],
  ...['context_management', 'moderation', 'prompt_cache_options'],
]);

/** @throws ServiceError INVALID_PARAMS for a member that cannot be used, or that asks for what is not done here */
export function toResponseRequest(sent: unknown): ResponseRequest {
  const body = objectIn('body', sent);
  const model = modelIn(body['model']);
  const [stream, background] = [flagIn('stream', body['stream']), flagIn('background', body['background'])];
  const store = flagIn('store', body['store'], true);
  refuseUndone(body);
  const previous = body['previous_response_id'];
  if (background && !store)
    throw invalid('store', 'be true with background: a response that is not kept cannot be asked for');
  const conversationId = conversationOf(body, store);
  return {
    body,
    items: itemsOf(body['input']),
    stream,
    background,
    store,
    conversationId,
    previousId: isNothing(previous) ? undefined : textIn('previous_response_id', previous, MAX_ID_CHARS),
    asked: askedOf(model, body, conversationId, { background, store }),
  };
}

/**
 * The chat that it becomes. The instructions go first; those of earlier responses are not among `history`.
 * @throws ServiceError INVALID_PARAMS
 */
export function toChat({ body, items, stream }: ResponseRequest, history: readonly Item[]): OpenaiRequest {
  const { instructions, max_output_tokens: most } = body;
  const maxTokens = isNothing(most) ? undefined : integerIn('max_output_tokens', most, 1, MAX_TOKENS);
  const before = isNothing(instructions) ? [] : [{ role: 'system', content: textIn('instructions', instructions) }];
  // Errors name what this request has sent; what was kept has passed once.
  messagesOf('input', items);
  const messages = [...before, ...messagesOf('input', [...history, ...items])];
  if (messages.length === 0) throw invalid('input', 'be a text or a list of items, and not empty');
  return {
    operation: 'chat',
    model: modelIn(body['model']),
    body: {
      messages,
      ...(maxTokens !== undefined && { max_tokens: maxTokens }),
      ...chatToolsOf(body['tools'], body['tool_choice']),
      ...textFormOf(body['text']),
      ...effortOf(body['reasoning']),
      ...logprobsOf(body),
      ...(!isNothing(body['parallel_tool_calls']) && {
        parallel_tool_calls: flagIn('parallel_tool_calls', body['parallel_tool_calls']),
      }),
      ...Object.fromEntries(Object.entries(body).filter(([name, value]) => !own.has(name) && !isNothing(value))),
      ...(!isNothing(body['metadata']) && { metadata: body['metadata'] }),
    },
    stream,
    includeUsage: stream,
    choices: 1,
    maxTokens,
  };
}

/** The id of the conversation that a request is of: by itself, or in an object. */
function conversationOf({ conversation, previous_response_id: previous }: Members, store: boolean): string | undefined {
  if (isNothing(conversation)) return undefined;
  const id =
    typeof conversation === 'string'
      ? textIn('conversation', conversation, MAX_ID_CHARS)
      : textIn('conversation.id', objectIn('conversation', conversation)['id'], MAX_ID_CHARS);
  if (!isNothing(previous))
    throw invalid('previous_response_id', 'be left out with conversation: one of them goes before');
  if (!store) throw invalid('store', 'be true with conversation: what is said is kept in it');
  return id;
}

function refuseUndone(body: Members): void {
  const undone = (field: string, why: string): Error => invalid(field, `be left out: ${why}`);
  if (!isNothing(body['prompt'])) throw undone('prompt', 'no prompts are kept here');
  if (!isNothing(body['context_management'])) throw undone('context_management', 'items are not edited here');
  if (!isNothing(body['moderation'])) throw undone('moderation', 'nothing is moderated here');
  if (!isNothing(body['truncation']) && body['truncation'] !== 'disabled')
    throw invalid('truncation', 'be disabled: what is too long is refused, not cut');
  if (!isNothing(body['include'])) {
    for (const [at, what] of listIn('include', body['include']).entries())
      choiceIn(`include.${at}`, what, ['message.output_text.logprobs', 'reasoning.encrypted_content']);
  }
  if (!isNothing(body['metadata'])) assertMetadata(body['metadata']);
}

export function assertMetadata(value: unknown): void {
  const pairs = Object.entries(objectIn('metadata', value));
  if (pairs.length > MAX_PAIRS) throw invalid('metadata', `have at most ${MAX_PAIRS} pairs`);
  for (const [key, text] of pairs) {
    if (key.length > MAX_KEY_CHARS) throw invalid('metadata', `have keys of at most ${MAX_KEY_CHARS} characters`);
    textIn(`metadata.${key}`, text, MAX_VALUE_CHARS);
  }
}

function textFormOf(text: unknown): object {
  if (isNothing(text)) return {};
  const { format, verbosity } = objectIn('text', text);
  return { ...formatOf(format), ...(!isNothing(verbosity) && { verbosity: textIn('text.verbosity', verbosity) }) };
}

function formatOf(format: unknown): object {
  if (isNothing(format)) return {};
  const { type, name, schema, strict, description } = objectIn('text.format', format);
  const kind = choiceIn('text.format.type', type, ['text', 'json_object', 'json_schema']);
  if (kind === 'text') return {};
  if (kind === 'json_object') return { response_format: { type: kind } };
  const declared = {
    name: textIn('text.format.name', name),
    schema: objectIn('text.format.schema', schema),
    ...(!isNothing(strict) && { strict: flagIn('text.format.strict', strict) }),
    ...(!isNothing(description) && { description: textIn('text.format.description', description) }),
  };
  return { response_format: { type: kind, json_schema: declared } };
}

function effortOf(reasoning: unknown): object {
  if (isNothing(reasoning)) return {};
  const { effort } = objectIn('reasoning', reasoning);
  return isNothing(effort) ? {} : { reasoning_effort: textIn('reasoning.effort', effort) };
}

function logprobsOf({ include, top_logprobs: top }: Members): object {
  const isWanted = Array.isArray(include) && include.includes('message.output_text.logprobs');
  const others = isNothing(top) ? 0 : integerIn('top_logprobs', top, 0, 20);
  if (!isWanted && others === 0) return {};
  return { logprobs: true, ...(others > 0 && { top_logprobs: others }) };
}

function askedOf(
  model: string,
  body: Members,
  conversationId: string | undefined,
  { background, store }: { readonly background: boolean; readonly store: boolean },
): Members {
  const given = (name: string, otherwise: unknown = null): unknown => (isNothing(body[name]) ? otherwise : body[name]);
  const text = isNothing(body['text']) ? {} : objectIn('text', body['text']);
  const reasoning = isNothing(body['reasoning']) ? {} : objectIn('reasoning', body['reasoning']);
  return {
    model,
    background,
    store,
    instructions: given('instructions'),
    max_output_tokens: given('max_output_tokens'),
    max_tool_calls: given('max_tool_calls'),
    parallel_tool_calls: given('parallel_tool_calls', true),
    previous_response_id: given('previous_response_id'),
    prompt_cache_key: given('prompt_cache_key'),
    reasoning: { effort: reasoning['effort'] ?? null, summary: reasoning['summary'] ?? null },
    safety_identifier: given('safety_identifier'),
    service_tier: given('service_tier', 'default'),
    temperature: given('temperature'),
    text: { ...text, format: isNothing(text['format']) ? { type: 'text' } : text['format'] },
    tool_choice: given('tool_choice', 'auto'),
    tools: shownTools(body['tools']),
    top_logprobs: given('top_logprobs', 0),
    top_p: given('top_p'),
    truncation: 'disabled',
    ...(conversationId !== undefined && { conversation: { id: conversationId } }),
    ...(!isNothing(body['user']) && { user: body['user'] }),
    metadata: given('metadata', {}),
  };
}
