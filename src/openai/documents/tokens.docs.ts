import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiResponse } from '../../http/documents/decorators';
import { ApiOpenaiErrors } from './openai-errors.docs';

const model = { type: 'string', minLength: 1, maxLength: 256, description: 'A model, by any name that it goes by.' };
const ids = {
  type: 'array',
  maxItems: 1_000_000,
  items: { type: 'integer', minimum: 0, maximum: 0xffff_ffff, format: 'int64' },
};
const message = {
  type: 'object',
  required: ['role'],
  properties: { role: { type: 'string' } },
  additionalProperties: true,
};
const count = { type: 'integer', minimum: 0 };

const bodies = {
  tokenize: {
    type: 'object',
    required: ['model'],
    properties: {
      model,
      prompt: { type: 'string', description: 'A text; or a chat in `messages`.' },
      messages: { type: 'array', minItems: 1, items: message, description: 'A chat; or a text in `prompt`.' },
      add_special_tokens: {
        type: 'boolean',
        description: 'Those of the start too; true for a text, false for a chat.',
      },
      return_token_strs: { type: 'boolean', description: 'The text of each token as well.' },
    },
    additionalProperties: true,
    example: { model: 'qwen3-32b', prompt: 'Hello.' },
  },
  detokenize: {
    type: 'object',
    required: ['model', 'tokens'],
    properties: { model, tokens: ids },
    additionalProperties: true,
    example: { model: 'qwen3-32b', tokens: [1, 2] },
  },
} as const;

const answers = {
  tokenize: {
    type: 'object',
    required: ['count', 'max_model_len', 'tokens', 'token_strs'],
    properties: {
      count,
      max_model_len: { ...count, nullable: true },
      tokens: { type: 'array', items: count },
      token_strs: { type: 'array', nullable: true, items: { type: 'string' } },
    },
  },
  detokenize: { type: 'object', required: ['prompt'], properties: { prompt: { type: 'string' } } },
} as const;

/** What the routes of tokenizers have in common. */
export function ApiTokens(verb: 'tokenize' | 'detokenize'): MethodDecorator {
  return applyDecorators(
    ApiBody({ required: true, schema: bodies[verb] as object }),
    ApiResponse({
      status: 200,
      description: 'As the tokenizer has it.',
      content: { 'application/json': { schema: answers[verb] as object } },
    }),
    ApiOpenaiErrors('INVALID_PARAMS', 'MODEL_NOT_FOUND', 'BODY_TOO_LARGE', 'INTERNAL', 'NOT_SUPPORTED'),
    ApiOpenaiErrors('ENGINE_PROTOCOL', 'WORKER_RESET', 'POOL_UNAVAILABLE', 'ENGINE_BUSY', 'DECODE_TIMEOUT'),
  );
}
