import type { Operation } from '../../engines/engine-adapter.port';
import { anyJson, NO_TYPE } from '../../http/documents/schemas';

/*
 * Bodies and answers as far as the service looks at them or makes them; the rest is the engine's. OpenAI's own document has all of it.
 */

type Schema = Readonly<Record<string, unknown>>;

const flag = { type: 'boolean', nullable: true } as const;
const count = (minimum: number, maximum: number) => ({ type: 'integer', minimum, maximum, nullable: true }) as const;
const model = { type: 'string', minLength: 1, maxLength: 256, description: 'A model, by any name that it goes by.' };
const some = { type: 'array', minItems: 1, items: anyJson } as const;
const token = { type: 'integer', minimum: 0 } as const;
const list = (items: Schema): Schema => ({ type: 'array', minItems: 1, items });
const streaming = {
  stream: flag,
  stream_options: { type: 'object', nullable: true, properties: { include_usage: flag }, additionalProperties: true },
  n: count(1, 128),
  max_tokens: count(1, 16_777_216),
};

function body(required: readonly string[], properties: Schema, example: Schema): Schema {
  return {
    type: 'object',
    required: ['model', ...required],
    properties: { model, ...properties },
    additionalProperties: true,
    example,
  };
}

export const bodySchemas: Readonly<Record<Operation, Schema>> = {
  chat: body(
    ['messages'],
    {
      messages: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          required: ['role'],
          properties: { role: { type: 'string' }, content: { oneOf: [{ type: 'string', nullable: true }, some] } },
          additionalProperties: true,
        },
      },
      ...streaming,
      max_completion_tokens: count(1, 16_777_216),
    },
    { model: 'qwen3-32b', messages: [{ role: 'user', content: 'Say hello.' }], max_tokens: 16 },
  ),
  completion: body(
    ['prompt'],
    {
      prompt: {
        oneOf: [{ type: 'string' }, list({ type: 'string' }), list(token), list(list(token))],
      },
      ...streaming,
    },
    { model: 'qwen3-32b', prompt: 'Say hello.', max_tokens: 16 },
  ),
  embedding: body(
    ['input'],
    {
      input: { oneOf: [{ type: 'string', minLength: 1 }, some] },
      encoding_format: { type: 'string', enum: ['float', 'base64', null], nullable: true },
    },
    { model: 'bge-m3', input: 'Hello.' },
  ),
  rerank: body(
    ['query', 'documents'],
    { query: { type: 'string' }, documents: some },
    { model: 'bge-reranker-v2-m3', query: 'hello', documents: ['Hello.'] },
  ),
};

const text = { type: 'string' } as const;
const integer = { type: 'integer', minimum: 0 } as const;
const usage = {
  type: 'object',
  required: ['total_tokens'],
  properties: { prompt_tokens: integer, completion_tokens: integer, total_tokens: integer },
  additionalProperties: true,
};

function answer(properties: Schema): Schema {
  return {
    type: 'object',
    required: Object.keys(properties),
    properties,
    additionalProperties: true,
  };
}

function listOf(properties: Schema): Schema {
  return { type: 'array', items: answer(properties) };
}

const finish = { type: 'string', enum: ['stop', 'length', 'tool_calls', 'content_filter'] } as const;

export const answerSchemas: Readonly<Record<Operation, Schema>> = {
  chat: answer({
    ...{ id: text, object: text, created: integer, model: text },
    choices: listOf({
      index: integer,
      message: {
        type: 'object',
        required: ['role', 'content'],
        properties: { role: text, content: { type: 'string', nullable: true } },
        additionalProperties: true,
      },
      finish_reason: finish,
    }),
    usage,
  }),
  completion: answer({
    ...{ id: text, object: text, created: integer, model: text },
    choices: listOf({ index: integer, text, finish_reason: finish }),
    usage,
  }),
  embedding: answer({
    object: text,
    model: text,
    data: listOf({ index: integer, embedding: { type: NO_TYPE } }),
    usage,
  }),
  rerank: answer({ id: text, model: text, results: listOf({ index: integer }), usage }),
};
