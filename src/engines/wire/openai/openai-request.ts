import { isText, type EngineRequest, type Operation } from '../../engine-adapter.port';
import { itemsOf } from '../engine-json';
import type { ChunkExpectation } from './chunk-format';

/** Where OpenAI's API, and Jina's for `rerank`, has each operation. */
export const openaiRoutes: Readonly<Record<Operation, string>> = {
  chat: '/v1/chat/completions',
  completion: '/v1/completions',
  embedding: '/v1/embeddings',
  rerank: '/v1/rerank',
};

const MAX_PROMPTS = 65_536;
/** The escape of half a surrogate pair, which JSON.stringify writes for no other text but one with a backslash before it. */
const LONE_SURROGATE = /\\u[dD][89a-fA-F]/;

/**
 * The body for a server of OpenAI's API: what the table of an engine made of the client's, with the model by the name that the engine
 * has for it. Text is always streamed, and usage always asked for.
 */
export function openaiBody({ model, work }: EngineRequest, body: Readonly<Record<string, unknown>>): string {
  return jsonOf({
    ...(model !== undefined && { model }),
    ...body,
    ...(isText(work.operation) && { stream: true, stream_options: { include_usage: true } }),
  });
}

/** JSON with well-formed text only: strict parsers, and whoever encodes the text as UTF-8 after them, refuse half a surrogate pair. */
export function jsonOf(body: object): string {
  const text = JSON.stringify(body);
  if (!LONE_SURROGATE.test(text)) return text;
  return JSON.stringify(body, (_, value: unknown) => (typeof value === 'string' ? value.toWellFormed() : value));
}

/** What the stream that answers it will hold. */
export function expectationOf(engine: string, { work: { operation, body } }: EngineRequest): ChunkExpectation {
  const { prompt, n, echo } = body;
  const perPrompt = typeof n === 'number' && n > 1 ? n : 1;
  const prompts = promptsIn(operation, prompt);
  return {
    engine,
    operation: operation === 'chat' ? 'chat' : 'completion',
    prompts,
    choices: perPrompt * prompts,
    echoChars: echo === true ? JSON.stringify(prompt ?? '').length : 0,
  };
}

/** A list of texts or of lists of tokens is many prompts; a list of tokens is one. */
function promptsIn(operation: Operation, prompt: unknown): number {
  const items = operation === 'completion' ? itemsOf(prompt, MAX_PROMPTS) : [];
  return typeof items[0] === 'number' ? 1 : Math.max(1, items.length);
}
