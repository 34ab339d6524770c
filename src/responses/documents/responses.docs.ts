import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiParam, ApiResponse } from '../../http/documents/decorators';
import { ApiOpenaiErrors } from '../../openai/documents/openai-errors.docs';
import { ApiWorkHeaders, workErrors } from '../../openai/documents/work.docs';

/* As far as the service looks at bodies, or makes answers; OpenAI's own document has all of it. */

const flag = { type: 'boolean', nullable: true };
const text = { type: 'string', nullable: true };

const body = {
  type: 'object',
  required: ['model'],
  properties: {
    model: { type: 'string', minLength: 1, maxLength: 256, description: 'A model, by any name that it goes by.' },
    input: {
      oneOf: [
        { type: 'string', nullable: true },
        { type: 'array', items: { type: 'object', additionalProperties: true } },
      ],
      description: 'May be left out where `instructions` or `previous_response_id` say enough.',
    },
    instructions: { ...text, description: 'Go before everything else; those of earlier responses do not count.' },
    stream: flag,
    background: flag,
    store: { ...flag, description: 'Whether it is kept (true).' },
    previous_response_id: { ...text, maxLength: 128, description: 'It goes on from this response.' },
    conversation: {
      oneOf: [
        { ...text, maxLength: 128 },
        { type: 'object', required: ['id'], properties: { id: { type: 'string', maxLength: 128 } } },
      ],
      description: 'It goes on from what was said in this conversation, which takes it up once it has ended.',
    },
    max_output_tokens: { type: 'integer', minimum: 1, maximum: 16_777_216, nullable: true },
    tools: {
      type: 'array',
      nullable: true,
      items: { type: 'object', additionalProperties: true },
      description: 'Functions that the client calls.',
    },
  },
  additionalProperties: true,
  example: { model: 'qwen3-32b', input: 'Say hello.', max_output_tokens: 16 },
};

const view = {
  type: 'object',
  required: ['id', 'object'],
  properties: { id: { type: 'string' }, object: { type: 'string', enum: ['response'] } },
  additionalProperties: true,
};

export function ApiNewResponse(): MethodDecorator {
  return applyDecorators(
    ApiWorkHeaders(),
    ApiBody({ required: true, schema: body }),
    ApiResponse({
      status: 200,
      description: 'All of it; with `stream` as events; with `background` as it stands.',
      content: { 'application/json': { schema: view }, 'text/event-stream': {} },
    }),
    ApiOpenaiErrors(...workErrors, 'RESPONSE_NOT_FOUND', 'CONVERSATION_NOT_FOUND', 'CONVERSATION_LOCKED'),
  );
}

export function ApiResponseId(): MethodDecorator {
  const schema = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,128}$' } as const;
  return applyDecorators(
    ApiParam({ name: 'response_id', description: 'The id of the response.', schema }),
    ApiOpenaiErrors('RESPONSE_NOT_FOUND', 'INVALID_PARAMS', 'STORAGE_UNAVAILABLE', 'NOT_READY'),
  );
}

export function ApiResponseView(description: string, isStream: boolean): MethodDecorator {
  const json = { 'application/json': { schema: view } };
  const content: Record<string, object> = isStream ? { ...json, 'text/event-stream': {} } : json;
  return ApiResponse({ status: 200, description, content });
}

export function ApiItemList(): MethodDecorator {
  const schema = {
    type: 'object',
    required: ['object', 'data', 'has_more'],
    properties: {
      object: { type: 'string', enum: ['list'] },
      data: { type: 'array', items: { type: 'object', additionalProperties: true } },
      first_id: text,
      last_id: text,
      has_more: { type: 'boolean' },
    },
  };
  return ApiResponse({ status: 200, description: 'A page.', content: { 'application/json': { schema } } });
}

export function ApiInputTokens(): MethodDecorator {
  const schema = {
    type: 'object',
    required: ['object', 'input_tokens'],
    properties: { object: { type: 'string' }, input_tokens: { type: 'integer', minimum: 0 } },
  };
  return applyDecorators(
    ApiBody({ required: true, schema: body }),
    ApiResponse({ status: 200, description: 'How many there are.', content: { 'application/json': { schema } } }),
    ApiOpenaiErrors(
      ...([
        'INVALID_PARAMS',
        'MODEL_NOT_FOUND',
        'RESPONSE_NOT_FOUND',
        'CONVERSATION_NOT_FOUND',
        'NOT_SUPPORTED',
      ] as const),
      ...([
        'POOL_UNAVAILABLE',
        'CONVERSATION_LOCKED',
        'ENGINE_PROTOCOL',
        'WORKER_RESET',
        'ENGINE_BUSY',
        'DECODE_TIMEOUT',
        'STORAGE_UNAVAILABLE',
        'NOT_READY',
      ] as const),
    ),
  );
}
