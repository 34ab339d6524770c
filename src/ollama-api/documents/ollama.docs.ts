import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiResponse } from '../../http/documents/decorators';
import type { ErrorCode } from '../../errors/catalogue';
import { openaiStatusOf } from '../../errors/openai-error';
import { ServiceError } from '../../errors/service-error';
import { apiErrors, ollamaErrorContent } from '../../http/documents/api-errors';
import { ApiWorkHeaders, workErrors } from '../../openai/documents/work.docs';

/* As far as the service looks at bodies; Ollama's documentation has all of it. */

const anyObject = { type: 'object', additionalProperties: true } as const;
const examples = {
  messages: {
    model: 'qwen3-32b',
    messages: [{ role: 'user', content: 'Say hello.' }],
    stream: false,
    options: { num_predict: 16 },
  },
  prompt: { model: 'qwen3-32b', prompt: 'Say hello.', options: { num_predict: 16 } },
  model: { model: 'qwen3-32b' },
} as const;

function ApiOllamaErrors(...codes: readonly ErrorCode[]): MethodDecorator & ClassDecorator {
  return apiErrors(codes, code => openaiStatusOf(new ServiceError(code)), ollamaErrorContent);
}

const some = {
  oneOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', minItems: 1, items: { type: 'string' } },
  ],
};

export function ApiOllamaWork(kind: keyof typeof examples | 'input', isStreamed: boolean): MethodDecorator {
  const isEmbedding = !isStreamed && kind !== 'model';
  const schema = {
    type: 'object',
    required: ['model', ...(isEmbedding ? [kind] : [])],
    properties: {
      model: { type: 'string', minLength: 1, maxLength: 256, description: 'A model, by any name that it goes by.' },
      ...(isEmbedding && { [kind]: some }),
    },
    additionalProperties: true,
    // The older route of embeddings calls a text a prompt.
    example: kind === 'input' || isEmbedding ? { model: 'bge-m3', [kind]: 'Hello.' } : examples[kind],
  };
  const json = { 'application/json': { schema: anyObject } };
  const content: Record<string, object> = isStreamed ? { ...json, 'application/x-ndjson': {} } : json;
  return applyDecorators(
    ...(kind === 'model' ? [] : [ApiWorkHeaders()]),
    ApiBody({ required: true, schema }),
    ApiResponse({ status: 200, description: 'The answer.', content }),
    ApiOllamaErrors(...workErrors),
  );
}

export function ApiOllamaAnswer(description: string): MethodDecorator {
  return ApiResponse({ status: 200, description, content: { 'application/json': { schema: anyObject } } });
}
