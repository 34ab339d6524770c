import { ApiSchema } from './decorators';
import { idPattern } from '../../config/parsers';

/*
 * OpenAPI 3.0 schemas that requests and answers share. Patterns keep to what expressions of every language have: classes of
 * characters, groups, counts and anchors.
 */

/** What Nest would otherwise make `object` of; taken out again where the document is put together. */
export const NO_TYPE: string = 'any';

/** A pattern without the escapes that only a literal of ours needs. */
export function patternText(pattern: RegExp): string {
  return pattern.source.replaceAll('\\/', '/');
}

/** Any JSON value, null too. */
export const anyJson = { type: NO_TYPE };

/** An id that a client, a worker or a file names. */
export const idSchema = { type: 'string', pattern: idPattern.source } as const;

/** Lower-case hex SHA-256. */
export const hashSchema = { type: 'string', pattern: '^[0-9a-f]{64}$' } as const;

/** Keywords of the schema of a class; the framework's type names few of those it takes. */
export const SchemaKeywords = (keywords: Readonly<Record<string, unknown>>): ClassDecorator => ApiSchema(keywords);
