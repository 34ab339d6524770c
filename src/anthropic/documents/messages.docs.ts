import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiResponse } from '../../http/documents/decorators';
import { anthropicStatusOf } from '../../errors/anthropic-error';
import type { ErrorCode } from '../../errors/catalogue';
import { ServiceError } from '../../errors/service-error';
import { anthropicErrorContent, apiErrors } from '../../http/documents/api-errors';
import { ApiWorkHeaders, workErrors } from '../../openai/documents/work.docs';
import { countBody, countView, messageBody, messageView } from './message-schemas';
import { versions } from '../requests/anthropic-version';

const version = {
  name: 'anthropic-version',
  description: 'The newest when absent.',
  required: false,
  schema: { type: 'string', enum: [...versions] },
};

/** Documents which errors of the catalogue a route of Anthropic's API answers with, in that API's form. */
function ApiAnthropicErrors(...codes: readonly ErrorCode[]): MethodDecorator & ClassDecorator {
  return apiErrors(codes, code => anthropicStatusOf(new ServiceError(code)), anthropicErrorContent);
}

export function ApiMessages(): MethodDecorator {
  return applyDecorators(
    ApiWorkHeaders(),
    ApiHeader(version),
    ApiBody({ required: true, schema: messageBody }),
    ApiResponse({
      status: 200,
      description: 'All of it, or with `stream` as events.',
      content: { 'application/json': { schema: messageView }, 'text/event-stream': {} },
    }),
    ApiAnthropicErrors(...workErrors),
  );
}

export function ApiMessageCount(): MethodDecorator {
  return applyDecorators(
    ApiHeader(version),
    ApiBody({ required: true, schema: countBody }),
    ApiResponse({
      status: 200,
      description: 'How many there are.',
      content: { 'application/json': { schema: countView } },
    }),
    ApiAnthropicErrors(
      ...(['INVALID_PARAMS', 'MODEL_NOT_FOUND', 'NOT_SUPPORTED', 'POOL_UNAVAILABLE', 'ENGINE_PROTOCOL'] as const),
      ...(['WORKER_RESET', 'ENGINE_BUSY', 'DECODE_TIMEOUT'] as const),
    ),
  );
}
