import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';
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
} from 'class-validator';
import { identifier, idPattern } from '../config/parsers';
import { fieldRule, type DtoClass } from './dto-reader';

/*
 * One decorator a field: what is accepted, the sentence a client gets when it is not, and the OpenAPI schema, from the
 * same bounds. `optional` also accepts null, which many clients send for "not given". Beside the checks of class-validator,
 * which find the sentence, stands a plain predicate for the body that has no fault (see dto-reader.ts).
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
  const documented = { description, ...schema, ...(example !== undefined && { example }) } as ApiPropertyOptions;
  const rule = fieldRule({ optional, accepts, ...(nested && { nested }) });
  return optional
    ? applyDecorators(rule, ApiPropertyOptional(documented), IsOptional(), ...checks)
    : applyDecorators(rule, ApiProperty(documented), ...checks);
}

function textAccepts(minLength: number, maxLength: number, pattern: RegExp | undefined): Accepts {
  return value =>
    typeof value === 'string' && hasLength(value, minLength, maxLength) && (!pattern || pattern.test(value));
}

/**
 * Counts characters (code points, as JSON Schema does), none where the length tells, and never more than `max` and one: class-validator
 * would make an array of all surrogate pairs first.
 */
function hasLength(value: string, min: number, max: number): boolean {
  // A character is one or two units.
  if (value.length < min || value.length > 2 * max) return false;
  if (value.length >= 2 * min && value.length <= max) return true;
  let count = 0;
  for (const characters = value[Symbol.iterator](); count <= max && !characters.next().done;) count++;
  return count >= min && count <= max;
}

/** @param each whether the value is an array of texts */
function LengthCheck(min: number, max: number, message: string, each = false): PropertyDecorator {
  const validate: Accepts = value => typeof value === 'string' && hasLength(value, min, max);
  return ValidateBy({ name: `length ${min} to ${max}`, validator: { validate } }, { message, each });
}

/** A field with a check of its own. */
export function CheckedField(
  options: Described,
  schema: ApiPropertyOptions,
  accepts: Accepts,
  message: string,
): PropertyDecorator {
  const check = ValidateBy({ name: 'accepts', validator: { validate: accepts, defaultMessage: () => message } });
  return field(options, schema, accepts, check);
}

/** An id that a client, a worker or a file names. */
export function IdField(options: Described & { readonly example?: string }): PropertyDecorator {
  return field(
    options,
    { type: String, pattern: idPattern.source },
    value => typeof value === 'string' && idPattern.test(value),
    Matches(idPattern, { message: `$property must be ${identifier.allowed}` }),
  );
}

interface TextOptions extends Described {
  readonly minLength?: number;
  readonly maxLength: number;
  readonly pattern?: RegExp;
  readonly example?: string;
}

export function TextField(options: TextOptions): PropertyDecorator {
  const { minLength = 0, maxLength, pattern } = options;
  return field(
    options,
    {
      type: String,
      minLength,
      maxLength,
      ...(pattern && { pattern: pattern.source }),
    },
    textAccepts(minLength, maxLength, pattern),
    IsString({ message: '$property must be a string' }),
    LengthCheck(minLength, Infinity, `$property must have at least ${minLength} characters`),
    LengthCheck(0, maxLength, `$property must have at most ${maxLength} characters`),
    ...(pattern ? [Matches(pattern, { message: `$property must match ${pattern.source}` })] : []),
  );
}

interface RangeOptions extends Described {
  readonly min: number;
  readonly max: number;
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
  const { min, max } = options;
  return field(
    options,
    { type, minimum: min, maximum: max },
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
  readonly maxLength: number;
  readonly pattern?: RegExp;
}

export function TextListField(options: TextListOptions): PropertyDecorator {
  const { maxItems, maxLength, pattern } = options;
  const accepts = textAccepts(0, maxLength, pattern);
  return field(
    options,
    { type: [String], maxItems },
    value => Array.isArray(value) && value.length <= maxItems && value.every(accepts),
    IsArray({ message: '$property must be an array of strings' }),
    ArrayMaxSize(maxItems, { message: `$property must have at most ${maxItems} members` }),
    IsString({ each: true, message: '$property must hold strings only' }),
    LengthCheck(0, maxLength, `$property must hold strings of at most ${maxLength} characters`, true),
    ...(pattern
      ? [Matches(pattern, { each: true, message: `$property must hold strings that match ${pattern.source}` })]
      : []),
  );
}

/** Any JSON value, kept as it was sent; whoever takes it in bounds its size. */
export function JsonField(options: Described): PropertyDecorator {
  return field(options, { type: Object, additionalProperties: true }, () => true, Allow());
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
    pattern: /^[Hh][Tt][Tt][Pp][Ss]?:\/\/[^\s\p{Cc}]+$/u,
  });
}
