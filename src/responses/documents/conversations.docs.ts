import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiParam, ApiResponse } from '../../http/documents/decorators';
import type { ErrorCode } from '../../errors/catalogue';
import { ApiOpenaiErrors } from '../../openai/documents/openai-errors.docs';

const item = { type: 'object', additionalProperties: true };

const metadata = {
  type: 'object',
  maxProperties: 16,
  additionalProperties: { type: 'string', maxLength: 512 },
  description: 'Up to 16 texts by name, given back with the conversation.',
};

const items = {
  type: 'array',
  maxItems: 20,
  items: item,
  description: 'Messages, calls of functions and their outputs, and reasoning, as in the input of a response.',
};

const bodies = {
  create: {
    type: 'object',
    properties: { metadata: { ...metadata, nullable: true }, items: { ...items, nullable: true } },
    additionalProperties: true,
    example: { metadata: { topic: 'weather' }, items: [{ type: 'message', role: 'user', content: 'Hello!' }] },
  },
  update: {
    type: 'object',
    required: ['metadata'],
    properties: { metadata },
    additionalProperties: true,
    example: { metadata: { topic: 'weather' } },
  },
};

export function ApiConversationBody(kind: 'create' | 'update'): MethodDecorator {
  return ApiBody({ required: kind === 'update', schema: bodies[kind] });
}

export function ApiItemsBody(): MethodDecorator {
  const schema = {
    type: 'object',
    required: ['items'],
    properties: { items: { ...items, minItems: 1 } },
    additionalProperties: true,
    example: { items: [{ type: 'message', role: 'user', content: 'Hello!' }] },
  };
  return ApiBody({ required: true, schema });
}

export function ApiConversationId(): MethodDecorator {
  const schema = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,128}$' } as const;
  return ApiParam({ name: 'conversation_id', description: 'The id of the conversation.', schema });
}

export function ApiItemId(): MethodDecorator {
  const schema = { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' } as const;
  return ApiParam({ name: 'item_id', description: 'The id of the item.', schema });
}

export function ApiConversationView(description: string): MethodDecorator {
  const schema = {
    type: 'object',
    required: ['id', 'object', 'created_at', 'metadata'],
    properties: {
      id: { type: 'string' },
      object: { type: 'string', enum: ['conversation'] },
      created_at: { type: 'integer', description: 'Unix seconds.' },
      metadata,
    },
  };
  return ApiResponse({ status: 200, description, content: { 'application/json': { schema } } });
}

export function ApiDeletedConversation(): MethodDecorator {
  const schema = {
    type: 'object',
    required: ['id', 'object', 'deleted'],
    properties: {
      id: { type: 'string' },
      object: { type: 'string', enum: ['conversation.deleted'] },
      deleted: { type: 'boolean' },
    },
  };
  return ApiResponse({ status: 200, description: 'It is gone.', content: { 'application/json': { schema } } });
}

export function ApiItemView(): MethodDecorator {
  return ApiResponse({ status: 200, description: 'The item.', content: { 'application/json': { schema: item } } });
}

export function ApiConversationErrors(...codes: readonly ErrorCode[]): MethodDecorator {
  return applyDecorators(ApiOpenaiErrors(...codes, 'STORAGE_UNAVAILABLE', 'NOT_READY'));
}
