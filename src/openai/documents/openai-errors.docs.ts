import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { ErrorCode } from '../../errors/catalogue';
import { openaiStatusOf } from '../../errors/openai-error';
import { ServiceError } from '../../errors/service-error';
import { describeErrors, openaiErrorContent } from '../../http/documents/api-errors';

/** Documents which errors of the catalogue a route of OpenAI's API answers with, in that API's form. */
export function ApiOpenaiErrors(...codes: readonly ErrorCode[]): MethodDecorator & ClassDecorator {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const status = openaiStatusOf(new ServiceError(code));
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return applyDecorators(
    ...[...byStatus].map(([status, named]) =>
      ApiResponse({ status, description: describeErrors(named), content: openaiErrorContent }),
    ),
  );
}
