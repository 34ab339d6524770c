import { ServiceError } from '../../errors/service-error';
import type { EngineRequest } from '../engine-adapter.port';
import { applied, type Body } from '../operation-table';
import { itemsOf, membersOf, parseJson } from '../wire/engine-json';
import { jsonOf } from '../wire/openai/openai-request';
import { ollamaOperations } from './ollama-operations';

const engine = 'ollama';
const MAX_PARTS = 1024;
/** A request that differs in one of them from the one that the model was loaded for replaces the model, for everybody. */
const loadOptions: ReadonlySet<string> = new Set([
  'num_ctx',
  'num_thread',
  'num_gpu',
  'num_batch',
  'main_gpu',
  'use_mmap',
  'numa',
]);
const dataUrl = /^data:[^,]*;base64,/;

export interface OllamaRequest {
  readonly route: string;
  readonly body: string;
}

/**
 * The request in Ollama's own words. Too long a prompt is refused and not cut (`truncate`, `shift`), as other engines do; a bound of no
 * token would be none at all there.
 * @throws ServiceError INVALID_PARAMS for what Ollama cannot do
 */
export function ollamaRequest({ model, work }: EngineRequest): OllamaRequest {
  const { operation, body } = work;
  switch (operation) {
    case 'chat':
      return made('/api/chat', model, { ...chatOf(body), stream: true });
    case 'completion':
      return made('/api/generate', model, { ...completionOf(body), stream: true });
    case 'embedding':
      return made('/api/embed', model, embeddingOf(body));
    case 'rerank':
      throw refused('operation', 'Ollama cannot rank documents.');
  }
}

function made(route: string, model: string | undefined, body: object): OllamaRequest {
  return { route, body: jsonOf({ ...(model !== undefined && { model }), ...body }) };
}

function chatOf(body: Body): Body {
  const { tools, ...others } = applied(engine, ollamaOperations.chat, body);
  const choice = body['tool_choice'];
  if (choice !== undefined && choice !== null && choice !== 'auto' && choice !== 'none') {
    throw refused('tool_choice', 'Ollama lets the model choose: `auto` and `none` are what it can do.');
  }
  return {
    truncate: false,
    ...others,
    messages: itemsOf(body['messages'], Infinity).map(message => messageOf(membersOf(message))),
    ...(tools !== undefined && choice !== 'none' && { tools }),
    ...commonOf(body, others),
  };
}

function completionOf(body: Body): Body {
  const others = applied(engine, ollamaOperations.completion, body);
  const { prompt, logprobs } = body;
  if (typeof prompt !== 'string') throw refused('prompt', 'Ollama takes one prompt, as text.');
  if (prompt === '') throw refused('prompt', 'Ollama takes an empty prompt for the wish to load a model.');
  return {
    raw: true,
    truncate: false,
    ...others,
    prompt,
    ...(typeof logprobs === 'number' && { logprobs: true, top_logprobs: logprobs }),
    ...commonOf(body, others),
  };
}

function embeddingOf(body: Body): Body {
  const { input } = body;
  const texts = typeof input === 'string' ? [input] : itemsOf(input, Infinity);
  if (!texts.every(text => typeof text === 'string')) throw refused('input', 'Ollama takes texts, not tokens.');
  return { truncate: false, ...applied(engine, ollamaOperations.embedding, body), input: texts };
}

function commonOf(body: Body, { options: set }: Body): Body {
  const { options: given, response_format: format, reasoning_effort: effort } = body;
  const reloads = Object.keys(membersOf(given)).find(name => loadOptions.has(name));
  if (reloads !== undefined)
    throw refused(`options.${reloads}`, 'It would make Ollama load the model anew, for everybody.');
  const options = { ...membersOf(given), ...membersOf(set) };
  // 0 would be no bound at all.
  if (options['num_predict'] === 0) options['num_predict'] = 1;
  if (typeof options['stop'] === 'string') options['stop'] = [options['stop']];
  return {
    ...(Object.keys(options).length > 0 && { options }),
    ...formatOf(membersOf(format)),
    ...(typeof effort === 'string' && { think: effort === 'none' ? false : thinkingOf(effort) }),
  };
}

/** Ollama knows three levels and `max`. */
function thinkingOf(effort: string): string {
  return effort === 'minimal' ? 'low' : effort === 'xhigh' ? 'max' : effort;
}

function formatOf({ type, json_schema: wrapped }: Body): Body {
  if (type === 'json_object') return { format: 'json' };
  if (type === 'json_schema') return { format: membersOf(wrapped)['schema'] ?? 'json' };
  if (type === undefined || type === 'text') return {};
  throw refused('response_format', 'Ollama knows `text`, `json_object` and `json_schema`.');
}

function messageOf(message: Body): Body {
  const { content, tool_calls: calls, reasoning, reasoning_content: named, tool_call_id: id, ...others } = message;
  const thinking = reasoning ?? named;
  const parts = Array.isArray(content) ? itemsOf(content, MAX_PARTS).map(part => membersOf(part)) : [];
  const unknown = parts.find(({ type }) => type !== 'text' && type !== 'image_url');
  if (unknown) throw refused('messages', `Ollama takes parts of text and images, not ${String(unknown['type'])}.`);
  const images = parts.flatMap(({ type, image_url: image }) => (type === 'image_url' ? [imageOf(image)] : []));
  const text = parts.flatMap(({ text: piece }) => (typeof piece === 'string' ? [piece] : [])).join('\n');
  return {
    ...others,
    content: Array.isArray(content) ? text : (content ?? ''),
    ...(images.length > 0 && { images }),
    ...(thinking !== undefined && thinking !== null && { thinking }),
    ...(typeof id === 'string' && { tool_call_id: id }),
    ...(Array.isArray(calls) && { tool_calls: calls.map(call => callOf(membersOf(call))) }),
  };
}

function imageOf(image: unknown): string {
  const url = typeof image === 'string' ? image : membersOf(image)['url'];
  if (typeof url === 'string' && dataUrl.test(url)) return url.replace(dataUrl, '');
  throw refused('messages', 'Ollama takes images as data: URLs in base64 only.');
}

function callOf(call: Body): Body {
  const { name, arguments: given } = membersOf(call['function']);
  const parsed = typeof given === 'string' ? parseJson(given) : given;
  return { id: call['id'], function: { name, arguments: membersOf(parsed) } };
}

function refused(field: string, message: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { engine, field, message });
}
