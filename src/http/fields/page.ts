import { applyDecorators, type Type as Class } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, schemaPathOf } from '../documents/decorators';
import { idPattern } from '../../config/parsers';
import { ApiErrors } from '../documents/api-errors';
import { CheckedField, IntField } from './fields';
import { WholeNumberText } from './query-values';
import { patternText } from '../documents/schemas';

/** Query of every list, which adds a `cursor` of its own. */
export class PageQuery {
  @WholeNumberText()
  @IntField({ description: 'Most members of one page.', min: 1, max: 1000, optional: true })
  limit: number = 100;
}

/**
 * `next_cursor` of the page before, given back. It names the place of the last member that was shown in a form that says all of it:
 * whatever keeps to the pattern is a place, also where nothing stands there (any more).
 */
export function CursorField(pattern: RegExp, maxLength?: number): PropertyDecorator {
  return CheckedField(
    { description: 'The `next_cursor` of the page before.', optional: true },
    { type: 'string', pattern: patternText(pattern), ...(maxLength !== undefined && { maxLength }) },
    value => typeof value === 'string' && pattern.test(value) && value.length <= (maxLength ?? Infinity),
    'cursor must be a next_cursor of this list',
  );
}

/** Query of a list that goes by ids. */
export class IdPageQuery extends PageQuery {
  @CursorField(idPattern)
  cursor?: string;
}

/** Answer of every list; `next_cursor` is absent on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor?: string;
}

/** Documents a list whose members are of this class; `order` is a sentence. */
export function ApiPage(item: Class, order: string): MethodDecorator {
  const items = { type: 'array', description: order, items: { $ref: schemaPathOf(item) } } as const;
  const cursor = { type: 'string', description: 'Absent on the last page.' } as const;
  const schema = { type: 'object', required: ['items'], properties: { items, next_cursor: cursor } };
  return applyDecorators(
    ApiExtraModels(item),
    ApiResponse({ status: 200, description: 'A page.', schema }),
    ApiErrors('INVALID_PARAMS'),
  );
}

/**
 * One page of `found`, which holds one member more than `limit` where another page follows.
 * @param placeOf the cursor that goes on after the last member shown
 */
export function pageOf<S, T>(
  found: readonly S[],
  limit: number,
  toItem: (member: S) => T,
  placeOf: (item: T, member: S) => string,
): Page<T> {
  const shown = found.slice(0, limit);
  const items = shown.map(toItem);
  const [last, member] = [items.at(-1), shown.at(-1)];
  const goesOn = last !== undefined && member !== undefined && found.length > limit;
  return { items, ...(goesOn && { next_cursor: placeOf(last, member) }) };
}

/** A cursor in a list that goes by time, then id. */
export function timeCursor(timeMs: number, id: string): string {
  return `${timeMs}.${id}`;
}

/** The place that a cursor names which matches {@link timeCursorPattern}. */
export function placeInTime(cursor: string | undefined): { readonly atMs: number; readonly id: string } | undefined {
  if (cursor === undefined) return undefined;
  const dot = cursor.indexOf('.');
  return { atMs: Number(cursor.slice(0, dot)), id: cursor.slice(dot + 1) };
}

/** @param id the pattern of the ids, anchored at both ends */
export function timeCursorPattern(id: RegExp): RegExp {
  return new RegExp(`^[0-9]{1,15}\\.${id.source.slice(1)}`);
}
