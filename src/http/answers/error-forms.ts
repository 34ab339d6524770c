import { anthropicStatusOf, toAnthropicError } from '../../errors/anthropic-error';
import { toEnvelope } from '../../errors/envelope';
import { isRetryFutile, openaiStatusOf, toOpenaiError } from '../../errors/openai-error';
import type { ServiceError } from '../../errors/service-error';
import type { Api } from '../documents/api-of-path';

/** How an API says what is wrong. */
interface ErrorForm {
  statusOf(error: ServiceError): number;
  bodyOf(error: ServiceError, requestId: string): object;
  /** Its clients look for `x-should-retry`, see {@link isRetryFutile}. */
  readonly tellsRetries: boolean;
}

export const errorForms: Readonly<Record<Api, ErrorForm>> = {
  own: { statusOf: ({ status }) => status, bodyOf: toEnvelope, tellsRetries: false },
  openai: { statusOf: openaiStatusOf, bodyOf: error => ({ error: toOpenaiError(error) }), tellsRetries: true },
  ollama: { statusOf: openaiStatusOf, bodyOf: ({ message }) => ({ error: message }), tellsRetries: false },
  anthropic: { statusOf: anthropicStatusOf, bodyOf: toAnthropicError, tellsRetries: true },
};

export function isFutile(form: ErrorForm, error: ServiceError): boolean {
  return form.tellsRetries && isRetryFutile(error);
}
