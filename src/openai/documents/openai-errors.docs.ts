import type { ErrorCode } from '../../errors/catalogue';
import { openaiStatusOf } from '../../errors/openai-error';
import { ServiceError } from '../../errors/service-error';
import { apiErrors, openaiErrorContent } from '../../http/documents/api-errors';

/** Documents which errors of the catalogue a route of OpenAI's API answers with, in that API's form. */
export function ApiOpenaiErrors(...codes: readonly ErrorCode[]): MethodDecorator & ClassDecorator {
  return apiErrors(codes, code => openaiStatusOf(new ServiceError(code)), openaiErrorContent);
}
