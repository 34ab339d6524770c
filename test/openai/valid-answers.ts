import { messagesAnswerFaults } from '../anthropic/valid-messages';
import { faultsOf } from '../wire/openai-schemas';
import type { ApiAnswer } from './api-answer';
import { framesOf } from './stream-of';
import { conversationAnswerFaults, responsesAnswerFaults } from './valid-responses';

interface RouteSchemas {
  readonly request?: string;
  readonly answer: string;
  readonly chunk?: string;
}

/** The schemas of OpenAI's specification, by path below `/v1`. */
const schemas: Readonly<Record<string, RouteSchemas>> = {
  '/chat/completions': {
    request: 'CreateChatCompletionRequest',
    answer: 'CreateChatCompletionResponse',
    chunk: 'CreateChatCompletionStreamResponse',
  },
  '/completions': {
    request: 'CreateCompletionRequest',
    answer: 'CreateCompletionResponse',
    chunk: 'CreateCompletionResponse',
  },
  '/embeddings': { request: 'CreateEmbeddingRequest', answer: 'CreateEmbeddingResponse' },
  '/models': { answer: 'ListModelsResponse' },
  '/models/{id}': { answer: 'Model' },
};

/**
 * A completion's chunk has the schema of a whole answer, which wants a reason to end, and logprobs, and takes no null for usage: OpenAI's own
 * streams, as recorded, do not keep to that.
 */
const olderChunk = /^(\/choices\/\d+(\/finish_reason| must have required property 'logprobs')|\/usage)/;
/** It asks for embeddings as numbers; OpenAI's own server sends text where base64 was asked for. */
const inBase64 = /^\/data\/\d+\/embedding must be array/;

/** Files and batches, and lists of them: by what they say that they are. */
const keptObjects: Readonly<Record<string, string>> = { file: 'OpenAIFile', batch: 'Batch' };

type Kept = Readonly<Record<string, unknown>> & { readonly object: string; readonly data?: readonly Kept[] };

/** OpenAI's own server says null of what a batch has not, where the schema wants it to be absent. */
function keptFaults(kept: Kept): readonly string[] {
  if (kept.object === 'list') return (kept.data ?? []).flatMap(keptFaults);
  if (kept['deleted'] === true) return [];
  const present = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== null));
  return faultsOf(keptObjects[kept.object] ?? kept.object, kept.object === 'batch' ? present : kept);
}

/**
 * What is wrong with an answer of `/v1` by OpenAI's specification, or Anthropic's documentation, in all of its frames; empty where it is
 * valid or has no schema there.
 */
export function answerFaults(url: string, answer: ApiAnswer, method = 'POST'): readonly string[] {
  const { status, contentType, text } = answer;
  const route = url.replace(/^.*?\/v1/, '').replace(/\?.*$/, '');
  if (/^\/messages(\/count_tokens)?$/.test(route)) return messagesAnswerFaults(route, answer);
  if (status >= 400)
    return contentType.includes('json') ? faultsOf('ErrorResponse', JSON.parse(text)) : ['an error without JSON'];
  if (/^\/responses\b/.test(route)) return responsesAnswerFaults(route, method, answer);
  if (/^\/conversations\b/.test(route)) return conversationAnswerFaults(JSON.parse(text) as object);
  if (/^\/(files|batches)\b/.test(route) && contentType.includes('json')) return keptFaults(JSON.parse(text) as Kept);
  const known = schemas[route.replace(/^\/models\/.+/, '/models/{id}')];
  if (!known || status !== 200) return [];
  if (!contentType.includes('event-stream'))
    return faultsOf(known.answer, JSON.parse(text)).filter(fault => !inBase64.test(fault));
  return framesOf(text).flatMap(frame => {
    if (frame === '[DONE]') return [];
    if ('error' in (frame as object)) return faultsOf('ErrorResponse', frame);
    const faults = faultsOf(known.chunk ?? known.answer, frame);
    return route === '/completions' ? faults.filter(fault => !olderChunk.test(fault)) : faults;
  });
}

/** What is wrong with a request, likewise. */
export function requestFaults(path: string, body: unknown): readonly string[] {
  const schema = schemas[path.replace(/^\/v1/, '')]?.request;
  return schema === undefined ? [`no schema of ${path}`] : faultsOf(schema, body);
}

/**
 * A `fetch` that looks at every answer of `/v1` as well: what is wrong is in {@link ValidatingFetch.faults} once all was read.
 */
export class ValidatingFetch {
  private readonly looks: Promise<readonly string[]>[] = [];

  readonly fetch: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const url = input instanceof Request ? input.url : String(input);
    const contentType = response.headers.get('content-type') ?? '';
    // One that was broken off is not whole, and nothing to look at.
    const text = response
      .clone()
      .text()
      .catch(() => undefined);
    const look = async () => {
      const whole = await text;
      const method = init?.method?.toUpperCase() ?? 'GET';
      return whole === undefined
        ? []
        : answerFaults(url, { status: response.status, contentType, text: whole }, method);
    };
    this.looks.push(look());
    return response;
  };

  async faults(): Promise<readonly string[]> {
    return (await Promise.all(this.looks)).flat();
  }
}
