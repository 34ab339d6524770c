import {
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
import { chatMessagesOf, userMessageOf } from './chat-messages';

const MAX_TOKENS = 16_777_216;
/** Options that are the engine's own to decide, and that many clients send with every request. */
const passedOver: ReadonlySet<string> = new Set([
  'num_ctx',
  'num_predict',
  'num_keep',
  'num_thread',
  'num_gpu',
  'num_batch',
]);

/** One request of Ollama's API, as what it becomes. `work` is undefined where only the model is to be loaded. */
export interface OllamaRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly work: OpenaiRequest | undefined;
}

/** @throws ServiceError INVALID_PARAMS, as all of these */
export function toChat(sent: unknown): OllamaRequest {
  const body = objectIn('body', sent);
  const { messages, tools } = body;
  const given = isNothing(messages) ? [] : chatMessagesOf(messages);
  const offered = isNothing(tools) ? [] : listIn('tools', tools);
  const made = { messages: given, ...(offered.length > 0 && { tools: offered }) };
  return requestOf(body, given.length === 0 ? undefined : { operation: 'chat', body: made });
}

export function toGeneration(sent: unknown): OllamaRequest {
  const body = objectIn('body', sent);
  const { prompt, suffix, system, images, raw, template, context } = body;
  if (!isNothing(template) && template !== '') throw invalid('template', "be left out: a model's own is used");
  if (!isNothing(context) && listIn('context', context).length > 0)
    throw invalid('context', 'be left out: send what was said before as messages');
  const text = isNothing(prompt) ? '' : textIn('prompt', prompt);
  if (text === '') return requestOf(body, undefined);
  if (flagIn('raw', raw)) return requestOf(body, { operation: 'completion', body: { prompt: text } });
  if (!isNothing(suffix) && suffix !== '')
    return requestOf(body, { operation: 'completion', body: { prompt: text, suffix: textIn('suffix', suffix) } });
  const before = isNothing(system) || system === '' ? [] : [{ role: 'system', content: textIn('system', system) }];
  const messages = [...before, userMessageOf('images', text, images)];
  return requestOf(body, { operation: 'chat', body: { messages } });
}

/** `input` of `/api/embed`, or `prompt` of the older `/api/embeddings`. */
export function toEmbedding(sent: unknown, member: 'input' | 'prompt'): OllamaRequest {
  const body = objectIn('body', sent);
  const { dimensions } = body;
  const input = body[member];
  if ((typeof input !== 'string' || input === '') && (!Array.isArray(input) || input.length === 0))
    throw invalid(member, 'be a text, or a list of texts, and not empty');
  if (Array.isArray(input)) for (const [at, text] of input.entries()) textIn(`${member}.${at}`, text);
  const made = { input, ...(!isNothing(dimensions) && { dimensions }), encoding_format: 'float' };
  const work = requestOf(body, { operation: 'embedding', body: made });
  return { ...work, stream: false };
}

function requestOf(
  body: Members,
  made: { readonly operation: OpenaiRequest['operation']; readonly body: Members } | undefined,
): OllamaRequest {
  const model = modelIn(body['model']);
  const stream = flagIn('stream', body['stream'], true);
  if (!made) return { model, stream, work: undefined };
  const isText = made.operation !== 'embedding';
  const { maxTokens, others } = optionsOf(body['options']);
  const bound = isText ? maxTokens : undefined;
  const steering = isText ? { ...others, ...formatOf(body['format']), ...thoughtOf(body['think']) } : {};
  return {
    model,
    stream,
    work: {
      operation: made.operation,
      model,
      body: { ...made.body, ...(bound !== undefined && { max_tokens: bound }), ...steering },
      stream,
      includeUsage: stream,
      choices: 1,
      maxTokens: bound,
    },
  };
}

/** Names of sampling parameters are the same; whatever else there is the engine takes or refuses. A negative bound is none. */
function optionsOf(given: unknown): { readonly maxTokens: number | undefined; readonly others: Members } {
  if (isNothing(given)) return { maxTokens: undefined, others: {} };
  const options = objectIn('options', given);
  const { num_predict: most } = options;
  const isOpen = isNothing(most) || (typeof most === 'number' && most < 0);
  return {
    maxTokens: isOpen ? undefined : integerIn('options.num_predict', most, 1, MAX_TOKENS),
    others: Object.fromEntries(
      Object.entries(options).filter(([name, value]) => !passedOver.has(name) && !isNothing(value)),
    ),
  };
}

function formatOf(format: unknown): object {
  if (isNothing(format) || format === '') return {};
  if (format === 'json') return { response_format: { type: 'json_object' } };
  if (typeof format === 'string') throw invalid('format', 'be json, or a schema');
  const schema = objectIn('format', format);
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } };
}

function thoughtOf(think: unknown): object {
  if (isNothing(think) || think === true) return {};
  return { reasoning_effort: think === false ? 'none' : textIn('think', think, 32) };
}
