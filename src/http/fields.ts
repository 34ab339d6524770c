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
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { identifier, idPattern } from '../config/parsers';

/*
 * One decorator a field: what is accepted, the sentence a client gets when it is not, and the OpenAPI schema, from the
 * same bounds. `optional` also accepts null, which many clients send for "not given".
 */

interface Described {
  readonly description: string;
  readonly optional?: boolean;
}

type Bounds = Pick<ApiPropertyOptions & { minimum?: number; maximum?: number }, 'minimum' | 'maximum'>;

function field(options: Described, schema: ApiPropertyOptions, ...checks: PropertyDecorator[]): PropertyDecorator {
  const documented = { description: options.description, ...schema } as ApiPropertyOptions;
  return options.optional
    ? applyDecorators(ApiPropertyOptional(documented), IsOptional(), ...checks)
    : applyDecorators(ApiProperty(documented), ...checks);
}

/** An id that a client, a worker or a file names. */
export function IdField(options: Described & { readonly example?: string }): PropertyDecorator {
  return field(
    options,
    { type: String, pattern: idPattern.source, ...(options.example !== undefined && { example: options.example }) },
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
  const { minLength = 0, maxLength, pattern, example } = options;
  return field(
    options,
    {
      type: String,
      minLength,
      maxLength,
      ...(pattern && { pattern: pattern.source }),
      ...(example !== undefined && { example }),
    },
    IsString({ message: '$property must be a string' }),
    MinLength(minLength, { message: `$property must have at least ${minLength} characters` }),
    MaxLength(maxLength, { message: `$property must have at most ${maxLength} characters` }),
    ...(pattern ? [Matches(pattern, { message: `$property must match ${pattern.source}` })] : []),
  );
}

interface RangeOptions extends Described {
  readonly min: number;
  readonly max: number;
  readonly example?: number;
}

export function IntField(options: RangeOptions): PropertyDecorator {
  return numeric(options, 'integer', IsInt({ message: '$property must be a whole number' }));
}

export function NumberField(options: RangeOptions): PropertyDecorator {
  return numeric(
    options,
    'number',
    IsNumber({ allowNaN: false, allowInfinity: false }, { message: '$property must be a number' }),
  );
}

function numeric(options: RangeOptions, type: 'integer' | 'number', kind: PropertyDecorator): PropertyDecorator {
  const bounds: Bounds = { minimum: options.min, maximum: options.max };
  return field(
    options,
    { type, ...bounds, ...(options.example !== undefined && { example: options.example }) },
    kind,
    Min(options.min, { message: `$property must be >= ${options.min}` }),
    Max(options.max, { message: `$property must be <= ${options.max}` }),
  );
}

export function BooleanField(options: Described): PropertyDecorator {
  return field(options, { type: Boolean }, IsBoolean({ message: '$property must be true or false' }));
}

export function ChoiceField(options: Described & { readonly values: readonly string[] }): PropertyDecorator {
  return field(
    options,
    { type: String, enum: [...options.values] },
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
  return field(
    options,
    { type: [String], maxItems },
    IsArray({ message: '$property must be an array of strings' }),
    ArrayMaxSize(maxItems, { message: `$property must have at most ${maxItems} members` }),
    IsString({ each: true, message: '$property must hold strings only' }),
    MaxLength(maxLength, { each: true, message: `$property must hold strings of at most ${maxLength} characters` }),
    ...(pattern
      ? [Matches(pattern, { each: true, message: `$property must hold strings that match ${pattern.source}` })]
      : []),
  );
}

/** Any JSON value; whoever takes it in bounds its size. */
export function JsonField(options: Described): PropertyDecorator {
  return field(options, { type: Object, additionalProperties: true }, Allow());
}

export function NestedField<T extends object>(
  options: Described & { readonly type: () => new () => T },
): PropertyDecorator {
  return field(
    options,
    { type: options.type },
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
    pattern: /^https?:\/\/[^\s\p{Cc}]+$/u,
  });
}
