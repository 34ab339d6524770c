import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, type ApiPropertyOptions } from '../documents/decorators';
import { Type } from 'class-transformer';
import {
  Allow,
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateNested,
  type ValidationArguments,
} from 'class-validator';
import { identifier, idPattern } from '../../config/parsers';
import { anyJson, idSchema, NO_TYPE, patternText } from '../documents/schemas';
import { fieldRule, type DtoClass } from './dto-reader';

const MAX_INT32 = 2 ** 31 - 1;

/*
 * One decorator a field: what is accepted, the sentence a client gets when it is not, and the OpenAPI schema, from the
 * same bounds. `optional` also accepts null, which many clients send for "not given", and the schema says so. Beside the checks
 * of class-validator, which find the sentence, stands a plain predicate for the body that has no fault (see dto-reader.ts).
 */

interface Described {
  readonly description: string;
  readonly optional?: boolean;
}

type Accepts = (value: unknown) => boolean;

function field(
  options: Described & { readonly type?: () => DtoClass; readonly example?: string | number },
  schema: ApiPropertyOptions,
  accepts: Accepts,
  ...checks: PropertyDecorator[]
): PropertyDecorator {
  const { description, optional = false, type: nested, example } = options;
  const documented = {
    description,
    // A class of its own says at its own schema whether it may be null: beside a reference that would not hold.
    ...(optional && !nested ? withNull(schema) : schema),
    ...(example !== undefined && { example }),
  } as ApiPropertyOptions;
  const rule = fieldRule({ optional, accepts, ...(nested && { nested }) });
  return optional
    ? applyDecorators(rule, ApiPropertyOptional(documented), IsOptional(), ...checks)
    : applyDecorators(rule, ApiProperty(documented), ...checks);
}

/** OpenAPI 3.0 has no type null; by its rules an enum must list it besides. What has no type takes it anyway. */
function withNull(schema: ApiPropertyOptions): ApiPropertyOptions {
  if (schema.type === undefined || schema.type === NO_TYPE) return schema;
  const { enum: choices } = schema as { enum?: readonly string[] };
  return { ...schema, nullable: true, ...(choices && { enum: [...choices, null] }) };
}

/** In characters as JSON Schema counts them: a surrogate pair is one. `length` is that or more. */
function hasAtLeast(value: string, minLength: number): boolean {
  return minLength <= 1 ? value.length >= minLength : value.length >= minLength && characters(value) >= minLength;
}

function hasAtMost(value: string, maxLength: number): boolean {
  return value.length <= maxLength || (value.length <= 2 * maxLength && characters(value) <= maxLength);
}

function characters(text: string): number {
  let count = text.length;
  for (let at = 1; at < text.length; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800) count--;
  }
  return count;
}

function textAccepts(minLength: number, maxLength: number, pattern: RegExp | undefined): Accepts {
  return value =>
    typeof value === 'string' &&
    hasAtMost(value, maxLength) &&
    hasAtLeast(value, minLength) &&
    (!pattern || pattern.test(value));
}

function lengthCheck(
  name: string,
  accepts: (value: string) => boolean,
  message: string,
  each = false,
): PropertyDecorator {
  const validate = (value: unknown): boolean => typeof value === 'string' && accepts(value);
  return ValidateBy({ name, validator: { validate, defaultMessage: () => message } }, { each });
}

/** A field with a check of its own. */
export function CheckedField(
  options: Described & { readonly example?: string },
  schema: ApiPropertyOptions,
  accepts: Accepts,
  message: string | ((value: unknown) => string),
): PropertyDecorator {
  const defaultMessage = (args?: ValidationArguments): string =>
    typeof message === 'string' ? message : message(args?.value);
  return field(
    options,
    schema,
    accepts,
    ValidateBy({ name: 'accepts', validator: { validate: accepts, defaultMessage } }),
  );
}

/** An id that a client, a worker or a file names. */
export function IdField(options: Described & { readonly example?: string }): PropertyDecorator {
  return field(
    options,
    idSchema,
    value => typeof value === 'string' && idPattern.test(value),
    Matches(idPattern, { message: `$property must be ${identifier.allowed}` }),
  );
}

interface TextOptions extends Described {
  readonly minLength?: number;
  readonly maxLength: number;
  readonly pattern?: RegExp;
  /** The pattern in words, for whoever sent something else. */
  readonly form?: string;
  readonly example?: string;
}

export function TextField(options: TextOptions): PropertyDecorator {
  const { minLength = 0, maxLength, pattern, form } = options;
  return field(
    options,
    { type: String, minLength, maxLength, ...(pattern && { pattern: patternText(pattern) }) },
    textAccepts(minLength, maxLength, pattern),
    IsString({ message: '$property must be a string' }),
    lengthCheck(
      'minCharacters',
      value => hasAtLeast(value, minLength),
      `$property must have at least ${minLength} characters`,
    ),
    lengthCheck(
      'maxCharacters',
      value => hasAtMost(value, maxLength),
      `$property must have at most ${maxLength} characters`,
    ),
    ...(pattern
      ? [Matches(pattern, { message: `$property must ${form ? `be ${form}` : `match ${patternText(pattern)}`}` })]
      : []),
  );
}

interface RangeOptions extends Described {
  readonly min: number;
  readonly max: number;
  /** Where the schema promises less than `min`, because what lies between has an error code of its own. */
  readonly documentedMin?: number;
  readonly example?: number;
}

export function IntField(options: RangeOptions): PropertyDecorator {
  return numeric(options, 'integer', Number.isInteger, IsInt({ message: '$property must be a whole number' }));
}

export function NumberField(options: RangeOptions): PropertyDecorator {
  return numeric(
    options,
    'number',
    Number.isFinite,
    IsNumber({ allowNaN: false, allowInfinity: false }, { message: '$property must be a number' }),
  );
}

function numeric(
  options: RangeOptions,
  type: 'integer' | 'number',
  isOfType: Accepts,
  typeCheck: PropertyDecorator,
): PropertyDecorator {
  const { min, max, documentedMin = min } = options;
  const format = type === 'integer' && max > MAX_INT32 ? { format: 'int64' } : {};
  return field(
    options,
    { type, minimum: documentedMin, maximum: max, ...format },
    value => isOfType(value) && (value as number) >= min && (value as number) <= max,
    typeCheck,
    Min(min, { message: `$property must be >= ${min}` }),
    Max(max, { message: `$property must be <= ${max}` }),
  );
}

export function BooleanField(options: Described): PropertyDecorator {
  return field(
    options,
    { type: Boolean },
    value => typeof value === 'boolean',
    IsBoolean({ message: '$property must be true or false' }),
  );
}

export function ChoiceField(options: Described & { readonly values: readonly string[] }): PropertyDecorator {
  return field(
    options,
    { type: String, enum: [...options.values] },
    value => options.values.includes(value as string),
    IsIn(options.values, { message: `$property must be one of: ${options.values.join(', ')}` }),
  );
}

interface TextListOptions extends Described {
  readonly maxItems: number;
  /** No text of it may be empty. */
  readonly nonEmpty?: boolean;
  readonly maxLength: number;
  readonly pattern?: RegExp;
}

export function TextListField(options: TextListOptions): PropertyDecorator {
  const { maxItems, nonEmpty = false, maxLength, pattern } = options;
  const minLength = nonEmpty ? 1 : 0;
  const accepts = textAccepts(minLength, maxLength, pattern);
  return field(
    options,
    {
      type: 'array',
      items: {
        type: 'string',
        ...(nonEmpty && { minLength }),
        maxLength,
        ...(pattern && { pattern: patternText(pattern) }),
      },
      maxItems,
    },
    value => Array.isArray(value) && value.length <= maxItems && value.every(accepts),
    IsArray({ message: '$property must be an array of strings' }),
    ArrayMaxSize(maxItems, { message: `$property must have at most ${maxItems} members` }),
    IsString({ each: true, message: '$property must hold strings only' }),
    lengthCheck('minCharacters', value => hasAtLeast(value, minLength), '$property must hold no empty strings', true),
    lengthCheck(
      'maxCharacters',
      value => hasAtMost(value, maxLength),
      `$property must hold strings of at most ${maxLength} characters`,
      true,
    ),
    ...(pattern
      ? [Matches(pattern, { each: true, message: `$property must hold strings that match ${patternText(pattern)}` })]
      : []),
  );
}

/** Any JSON value, kept as it was sent; whoever takes it in bounds its size. */
export function JsonField(options: Described): PropertyDecorator {
  return field(options, anyJson as ApiPropertyOptions, () => true, Allow());
}

export function NestedField<T extends object>(
  options: Described & { readonly type: () => new () => T },
): PropertyDecorator {
  return field(
    options,
    { type: options.type },
    value => typeof value === 'object' && !Array.isArray(value),
    IsObject({ message: '$property must be an object' }),
    ValidateNested(),
    Type(options.type),
  );
}

/** An http(s) URL as text; whoever connects to it decides whether the address is allowed. */
export function UrlField(options: Described & { readonly maxLength?: number }): PropertyDecorator {
  return TextField({
    ...options,
    minLength: 1,
    maxLength: options.maxLength ?? 2048,
    pattern: /^[Hh][Tt][Tt][Pp][Ss]?:\/\/[^\x00-\x20\x7f-\xa0]+$/,
    form: 'an http:// or https:// URL without spaces and control characters',
  });
}
