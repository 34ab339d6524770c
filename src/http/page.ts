import { applyDecorators, type Type as Class } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ServiceError } from '../errors/service-error';
import { ApiErrors } from './api-errors';
import { IntField, TextField } from './fields';

/** Query of every list. */
export class PageQuery {
  @Type(() => Number)
  @IntField({ description: 'Members of one page.', min: 1, max: 1000, optional: true })
  limit: number = 100;

  @TextField({ description: 'The `next_cursor` of the page before.', maxLength: 512, optional: true })
  cursor?: string;
}

/** Answer of every list; `next_cursor` is absent on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor?: string;
}

/** Documents a list whose members are of this class. */
export function ApiPage(item: Class): MethodDecorator {
  const items = { type: 'array', items: { $ref: getSchemaPath(item) } } as const;
  const cursor = { type: 'string', description: 'Absent on the last page.' } as const;
  const schema = { type: 'object', required: ['items'], properties: { items, next_cursor: cursor } };
  return applyDecorators(ApiExtraModels(item), ApiResponse({ status: 200, schema }), ApiErrors('INVALID_PARAMS'));
}

type CursorParts = readonly (string | number)[];

/**
 * One page of `found`, which holds one member more than `limit` where another page follows.
 * @param placeOf what the next page is found by, of the last member shown
 */
export function pageOf<S, T>(
  found: readonly S[],
  limit: number,
  toItem: (member: S) => T,
  placeOf: (item: T) => CursorParts,
): Page<T> {
  const items = found.slice(0, limit).map(toItem);
  const last = items.at(-1);
  return { items, ...(last !== undefined && found.length > limit && { next_cursor: encodeCursor(placeOf(last)) }) };
}

export function encodeCursor(parts: CursorParts): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** @throws ServiceError INVALID_PARAMS when the text is not a cursor of this service */
export function decodeCursor(cursor: string | undefined): CursorParts | undefined {
  if (cursor === undefined) return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(parts) && parts.every(part => typeof part === 'string' || typeof part === 'number')) return parts;
  } catch {
    // Falls through: not JSON, so not ours.
  }
  throw foreignCursor();
}

/** The names that a cursor of a list by name holds. @throws ServiceError INVALID_PARAMS when it is another list's */
export function namesIn(cursor: string | undefined, count: number): readonly string[] | undefined {
  const parts = decodeCursor(cursor);
  if (parts === undefined) return undefined;
  if (parts.length === count && parts.every(part => typeof part === 'string')) return parts;
  throw foreignCursor();
}

function foreignCursor(): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field: 'cursor', message: 'cursor must be a next_cursor of this list' });
}
