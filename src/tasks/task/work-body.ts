import type { Operation } from '../../engines/engine-adapter.port';
import { invalid, isNothing } from '../../json/members';

export type Body = Readonly<Record<string, unknown>>;

/** Choices that one task may have, over all its prompts. */
export const MAX_CHOICES = 128;
/** Of which the content of a message may be made. */
export const MAX_PARTS = 4096;

const isText = (value: unknown): boolean => typeof value === 'string';
const isToken = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
const isTokens = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isToken);

/** @throws ServiceError INVALID_PARAMS unless it is a text, or a list whose elements are all of the kind that the first one has */
function assertPrompt(prompt: unknown): void {
  if (isText(prompt)) return;
  if (!Array.isArray(prompt) || prompt.length === 0)
    throw invalid('prompt', 'be a text, or a list of texts or tokens, and not empty');
  const isOne = [isText, isToken, isTokens].find(is => is(prompt[0]));
  const odd = isOne ? prompt.findIndex(each => !isOne(each)) : 0;
  if (odd >= 0) throw invalid(`prompt.${odd}`, 'be a text, a token or a list of tokens, as all others of the list are');
}

/**
 * What each operation cannot do without, in the forms that the service counts or bills by; the rest of a body is for the engine to judge.
 * @throws ServiceError INVALID_PARAMS naming the member
 */
export const assertBody: Readonly<Record<Operation, (body: Body) => void>> = {
  chat: ({ messages }) => {
    if (!Array.isArray(messages) || messages.length === 0)
      throw invalid('messages', 'be a list of at least one message');
    for (const [at, message] of (messages as readonly unknown[]).entries()) {
      const { role, content } = (message ?? {}) as { readonly role?: unknown; readonly content?: unknown };
      if (typeof role !== 'string') throw invalid(`messages.${at}.role`, 'be the role of a message, a text');
      const isContent =
        isNothing(content) ||
        typeof content === 'string' ||
        (Array.isArray(content) && content.length > 0 && content.length <= MAX_PARTS);
      if (!isContent) throw invalid(`messages.${at}.content`, `be a text, or a list of 1 to ${MAX_PARTS} parts`);
    }
  },
  completion: ({ prompt }) => assertPrompt(prompt),
  embedding: ({ input, encoding_format: format }) => {
    if ((typeof input !== 'string' || input === '') && (!Array.isArray(input) || input.length === 0))
      throw invalid('input', 'be a text, or a list of texts or tokens, and not empty');
    if (!isNothing(format) && format !== 'float' && format !== 'base64')
      throw invalid('encoding_format', 'be float or base64');
  },
  rerank: ({ query, documents }) => {
    if (typeof query !== 'string') throw invalid('query', 'be a text');
    if (!Array.isArray(documents) || documents.length === 0)
      throw invalid('documents', 'be a list of at least one document');
  },
};

/**
 * Choices that the answer is to have: `n` for each prompt.
 * @throws ServiceError INVALID_PARAMS
 */
export function choicesOf({ n, prompt }: Body): number {
  return integer('n', n, 1, MAX_CHOICES, 1) * promptsIn(prompt);
}

/** A list of texts or of lists of tokens is many prompts; a list of tokens is one. */
function promptsIn(prompt: unknown): number {
  if (!Array.isArray(prompt) || typeof prompt[0] === 'number') return 1;
  if (prompt.length > MAX_CHOICES) throw invalid('prompt', `be at most ${MAX_CHOICES} prompts`);
  return prompt.length;
}

export function integer(field: string, value: unknown, min: number, max: number, otherwise: number): number {
  if (isNothing(value)) return otherwise;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw invalid(field, `be an integer from ${min} to ${max}`);
  return value;
}
