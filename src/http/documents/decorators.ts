import type * as Swagger from '@nestjs/swagger';

/*
 * The decorators of the OpenAPI document, under the names that @nestjs/swagger gives them. They note what they are told; the framework's own
 * are loaded, and told, when the document is made: few processes are ever asked for it, and all start.
 */

export type { ApiPropertyOptions } from '@nestjs/swagger';

type Name =
  | 'ApiBearerAuth'
  | 'ApiBody'
  | 'ApiConsumes'
  | 'ApiExcludeEndpoint'
  | 'ApiExtraModels'
  | 'ApiHeader'
  | 'ApiOperation'
  | 'ApiParam'
  | 'ApiProperty'
  | 'ApiPropertyOptional'
  | 'ApiResponse'
  | 'ApiSchema'
  | 'ApiSecurity'
  | 'ApiTags';

interface Note {
  readonly name: Name;
  readonly args: readonly unknown[];
  /** What is decorated: a class, or a prototype with a name and perhaps a descriptor. */
  readonly on: readonly unknown[];
}

type Decorators = Readonly<Record<Name, (...args: readonly unknown[]) => (...on: readonly unknown[]) => unknown>>;

/** In the order in which they were applied, which is the order in which they build on each other. */
let notes: Note[] = [];

function noted<N extends Name>(name: N): (typeof Swagger)[N] {
  const decorator =
    (...args: readonly unknown[]) =>
    (...on: readonly unknown[]): void =>
      void notes.push({ name, args, on });
  return decorator;
}

export const ApiBearerAuth = noted('ApiBearerAuth');
export const ApiBody = noted('ApiBody');
export const ApiConsumes = noted('ApiConsumes');
export const ApiExcludeEndpoint = noted('ApiExcludeEndpoint');
export const ApiExtraModels = noted('ApiExtraModels');
export const ApiHeader = noted('ApiHeader');
export const ApiOperation = noted('ApiOperation');
export const ApiParam = noted('ApiParam');
export const ApiProperty = noted('ApiProperty');
export const ApiPropertyOptional = noted('ApiPropertyOptional');
export const ApiResponse = noted('ApiResponse');
export const ApiSchema = noted('ApiSchema');
export const ApiSecurity = noted('ApiSecurity');
export const ApiTags = noted('ApiTags');

/** Where the schema of a class is in the document. */
export function schemaPathOf(type: { readonly name: string }): string {
  return `#/components/schemas/${type.name}`;
}

/** The framework, told all that was noted. */
export async function toldSwagger(): Promise<typeof Swagger> {
  const swagger = await import('@nestjs/swagger');
  const decorators = swagger as unknown as Decorators;
  for (const { name, args, on } of notes) decorators[name](...args)(...on);
  notes = [];
  return swagger;
}
