import type { Type as Class } from '@nestjs/common';
import { ApiProperty } from '../documents/decorators';
import { anyJson, hashSchema, idSchema } from '../documents/schemas';

/*
 * One decorator a member of an answer: its type, and a sentence that gives its meaning and unit. Numbers that count or measure
 * are never negative.
 */

interface Presence {
  /** It may be absent. */
  readonly optional?: boolean;
  /** It is always there, and null where nothing is known. */
  readonly nullable?: boolean;
}

type Schema = Readonly<Record<string, unknown>>;

function answer(description: string, schema: Schema, { optional = false, nullable = false }: Presence) {
  return ApiProperty({
    description,
    ...schema,
    required: !optional,
    ...(nullable && { nullable }),
  });
}

export function AnswerText(description: string, presence: Presence & { readonly example?: string } = {}) {
  const { example } = presence;
  return answer(description, { type: 'string', ...(example !== undefined && { example }) }, presence);
}

export function AnswerId(description: string, presence: Presence = {}) {
  return answer(description, idSchema, presence);
}

/** A lower-case hex SHA-256. */
export function AnswerHash(description: string, presence: Presence = {}) {
  return answer(description, hashSchema, presence);
}

export function AnswerChoice(description: string, values: readonly string[], presence: Presence = {}) {
  return answer(description, { type: 'string', enum: [...values] }, presence);
}

export function AnswerFlag(description: string, presence: Presence = {}) {
  return answer(description, { type: 'boolean' }, presence);
}

/** A count of something. */
export function AnswerCount(description: string, presence: Presence = {}) {
  return answer(description, { type: 'integer', format: 'int64', minimum: 0 }, presence);
}

/** A point in time: whole milliseconds since 1970. */
export function AnswerTime(description: string, presence: Presence = {}) {
  return answer(`${description} Milliseconds since 1970.`, { type: 'integer', format: 'int64' }, presence);
}

/** A span of time in whole milliseconds. */
export function AnswerSpan(description: string, presence: Presence = {}) {
  return answer(description, { type: 'integer', format: 'int64', minimum: 0 }, presence);
}

export function AnswerNumber(description: string, presence: Presence & { readonly max?: number } = {}) {
  const { max } = presence;
  return answer(description, { type: 'number', minimum: 0, ...(max !== undefined && { maximum: max }) }, presence);
}

/** Any JSON value. */
export function AnswerJson(description: string, presence: Presence = {}) {
  return answer(description, anyJson, presence);
}

/** Objects that are somebody else's. */
export function AnswerList(description: string, presence: Presence = {}) {
  return answer(description, { type: 'array', items: { type: 'object', additionalProperties: true } }, presence);
}

export function AnswerTexts(description: string, presence: Presence = {}) {
  return answer(description, { type: 'array', items: { type: 'string' } }, presence);
}

/** Members of another class. */
export function AnswerPart(description: string, type: Class, presence: Presence = {}) {
  return answer(description, { type }, presence);
}

export function AnswerParts(description: string, type: Class, presence: Presence = {}) {
  return answer(description, { type: [type] }, presence);
}
