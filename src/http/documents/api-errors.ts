import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from './decorators';
import { errorCatalogue, type ErrorCode } from '../../errors/catalogue';

/** The body of every error, whatever else a route answers with. */
export const errorContent = {
  'application/json': { schema: { $ref: '#/components/schemas/ErrorEnvelope' } },
} as const;

/** The same of OpenAI's API. */
export const openaiErrorContent = {
  'application/json': { schema: { $ref: '#/components/schemas/OpenaiError' } },
} as const;

/** The same of Anthropic's. */
export const anthropicErrorContent = {
  'application/json': { schema: { $ref: '#/components/schemas/AnthropicError' } },
} as const;

/** The same of Ollama's. */
export const ollamaErrorContent = {
  'application/json': { schema: { $ref: '#/components/schemas/OllamaError' } },
} as const;

/** Documents which errors of the catalogue a route answers with, grouped by status. */
export function ApiErrors(...codes: readonly ErrorCode[]): MethodDecorator & ClassDecorator {
  return apiErrors(codes, code => errorCatalogue[code].status, errorContent);
}

/** The same for an API that has statuses and a form of its own. */
export function apiErrors(
  codes: readonly ErrorCode[],
  statusOf: (code: ErrorCode) => number,
  content: Readonly<Record<string, object>>,
): MethodDecorator & ClassDecorator {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) byStatus.set(statusOf(code), [...(byStatus.get(statusOf(code)) ?? []), code]);
  return applyDecorators(
    ...[...byStatus].map(([status, named]) => ApiResponse({ status, description: describeErrors(named), content })),
  );
}

export function describeErrors(codes: readonly ErrorCode[]): string {
  return codes.map(code => `\`${code}\`: ${errorCatalogue[code].message}`).join(' ');
}
