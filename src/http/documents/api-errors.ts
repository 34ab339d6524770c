import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { errorCatalogue, type ErrorCode } from '../../errors/catalogue';

/** The body of every error, whatever else a route answers with. */
export const errorContent = {
  'application/json': { schema: { $ref: '#/components/schemas/ErrorEnvelope' } },
} as const;

/** The same of OpenAI's API. */
export const openaiErrorContent = {
  'application/json': { schema: { $ref: '#/components/schemas/OpenaiError' } },
} as const;

/** Documents which errors of the catalogue a route answers with, grouped by status. */
export function ApiErrors(...codes: readonly ErrorCode[]): MethodDecorator & ClassDecorator {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = errorCatalogue[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return applyDecorators(
    ...[...byStatus].map(([status, named]) =>
      ApiResponse({ status, description: describeErrors(named), content: errorContent }),
    ),
  );
}

export function describeErrors(codes: readonly ErrorCode[]): string {
  return codes.map(code => `\`${code}\`: ${errorCatalogue[code].message}`).join(' ');
}
