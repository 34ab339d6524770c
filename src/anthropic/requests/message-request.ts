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
import { chatMessagesOf } from './chat-messages';
import { chatToolsOf } from './chat-tools';

/** One request of Anthropic's Messages API, as the chat that it becomes. */
export interface MessageRequest {
  readonly chat: OpenaiRequest;
  /** The client wants to see what the model thinks: it does unless it says otherwise. */
  readonly showsThinking: boolean;
}

const MAX_TOKENS = 16_777_216;

/** Members that a chat has by another name, or that are for the service, or that ask for nothing that there is here. */
const own: ReadonlySet<string> = new Set([
  ...['model', 'max_tokens', 'messages', 'system', 'tools', 'tool_choice', 'stop_sequences', 'stream', 'metadata'],
  ...['thinking', 'output_config', 'output_format', 'context_management', 'cache_control', 'service_tier', 'betas'],
  ...['container', 'mcp_servers', 'inference_geo', 'speed'],
]);

/** @throws ServiceError INVALID_PARAMS for a member that is needed and cannot be used, or that asks for what is not done here */
export function toMessageRequest(sent: unknown): MessageRequest {
  const body = objectIn('body', sent);
  const chat = toChat(body, integerIn('max_tokens', body['max_tokens'], 1, MAX_TOKENS));
  return { chat, showsThinking: thinkingOf(body) !== 'disabled' };
}

/** The same where only tokens are counted: it bounds none. */
export function toCountedRequest(sent: unknown): OpenaiRequest {
  return toChat(objectIn('body', sent), undefined);
}

function toChat(body: Members, maxTokens: number | undefined): OpenaiRequest {
  refuseForeign(body);
  const isStream = flagIn('stream', body['stream']);
  return {
    operation: 'chat',
    model: modelIn(body['model']),
    body: {
      messages: chatMessagesOf(body['system'], body['messages']),
      ...(maxTokens !== undefined && { max_tokens: maxTokens }),
      ...chatToolsOf(body['tools'], body['tool_choice']),
      ...stopOf(body['stop_sequences']),
      ...userOf(body['metadata']),
      ...formatOf(body),
      ...effortOf(body),
      // Whatever else an engine may know: temperature, top_p, top_k, and members that only it has.
      ...Object.fromEntries(Object.entries(body).filter(([name, value]) => !own.has(name) && !isNothing(value))),
    },
    stream: isStream,
    includeUsage: isStream,
    choices: 1,
    maxTokens,
  };
}

function refuseForeign(body: Members): void {
  if (!isNothing(body['container'])) throw notDone('container', 'code is not run here');
  const servers = body['mcp_servers'];
  if (!isNothing(servers) && listIn('mcp_servers', servers).length > 0)
    throw notDone('mcp_servers', 'tools of other servers are not called here');
  // What an engine does with earlier thoughts is its template's: to clear them asks for nothing more.
  const { edits = [] } = isNothing(body['context_management'])
    ? {}
    : objectIn('context_management', body['context_management']);
  for (const [at, edit] of listIn('context_management.edits', edits).entries()) {
    const field = `context_management.edits.${at}`;
    const type = textIn(`${field}.type`, objectIn(field, edit)['type']);
    if (!type.startsWith('clear_thinking_')) throw notDone(field, 'messages are not edited here');
  }
}

function notDone(field: string, why: string): Error {
  return invalid(field, `be left out: ${why}`);
}

function stopOf(sequences: unknown): object {
  if (isNothing(sequences)) return {};
  const stop = listIn('stop_sequences', sequences).map((text, at) => textIn(`stop_sequences.${at}`, text));
  return stop.length > 0 ? { stop } : {};
}

function userOf(metadata: unknown): object {
  if (isNothing(metadata)) return {};
  const { user_id: user } = objectIn('metadata', metadata);
  return isNothing(user) ? {} : { user: textIn('metadata.user_id', user) };
}

/** A schema stands in `output_config`, or where it stood while it was new. */
function formatOf({ output_config: config, output_format: older }: Members): object {
  const within = isNothing(config) ? undefined : objectIn('output_config', config)['format'];
  const [field, given] = isNothing(within) ? ['output_format', older] : ['output_config.format', within];
  if (isNothing(given)) return {};
  const format = objectIn(field, given);
  choiceIn(`${field}.type`, format['type'], ['json_schema']);
  const schema = objectIn(`${field}.schema`, format['schema']);
  return { response_format: { type: 'json_schema', json_schema: { name: 'output', schema, strict: true } } };
}

const modes = ['enabled', 'disabled', 'adaptive'] as const;

function thinkingOf({ thinking }: Members): (typeof modes)[number] | undefined {
  return isNothing(thinking) ? undefined : choiceIn('thinking.type', objectIn('thinking', thinking)['type'], modes);
}

/** How many tokens of thought are meant is no engine's to know by one name: `max_tokens` bounds them with the rest. */
function effortOf(body: Members): object {
  if (thinkingOf(body) === 'disabled') return { reasoning_effort: 'none' };
  const config = body['output_config'];
  const effort = isNothing(config) ? undefined : objectIn('output_config', config)['effort'];
  if (isNothing(effort)) return {};
  const known = choiceIn('output_config.effort', effort, ['low', 'medium', 'high', 'xhigh', 'max']);
  return { reasoning_effort: known === 'max' ? 'xhigh' : known };
}
