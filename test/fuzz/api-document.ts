import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** A schema of OpenAPI 3.0; only the keywords that the document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly nullable?: boolean;
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly example?: unknown;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Schema;
}

export interface Header {
  readonly required?: boolean;
  readonly schema: Schema;
}

/** What is declared of one status. */
export interface DeclaredAnswer {
  /** Codes of the catalogue that its description names. */
  readonly codes: ReadonlySet<string>;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, Header>;
  /** By media type; empty where there is no body. */
  readonly contents: ReadonlyMap<string, Schema | undefined>;
}

export interface Operation {
  /** `POST /v2/tasks`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly required: boolean; readonly schema: Schema; readonly isForm: boolean };
  readonly answers: ReadonlyMap<number, DeclaredAnswer>;
  readonly credential: 'key' | 'worker' | 'none';
}

interface RawResponse {
  readonly $ref?: string;
  readonly description?: string;
  readonly headers?: Readonly<Record<string, Header & { readonly $ref?: string }>>;
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface RawOperation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
  };
  readonly responses: Readonly<Record<string, RawResponse>>;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
}

/** The committed OpenAPI document, read for somebody who makes requests from it and checks answers against it. */
export class ApiDocument {
  readonly root: Readonly<Record<string, unknown>>;
  readonly operations: readonly Operation[];

  constructor(text = readFileSync(resolve(__dirname, '../../docs/openapi.json'), 'utf8')) {
    this.root = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const paths = this.root['paths'] as Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
    this.operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => this.operationOf(method.toUpperCase(), path, operation)),
    );
  }

  /** A schema with its reference followed; one that only wraps a single other one for a description is that one. */
  resolved(schema: Schema): Schema {
    if (schema.$ref !== undefined) return this.resolved(this.at<Schema>(schema.$ref));
    const [only, ...others] = schema.allOf ?? [];
    return only && others.length === 0 ? this.resolved(only) : schema;
  }

  private operationOf(method: string, path: string, raw: RawOperation): Operation {
    const { content: contents = {}, required = false } = raw.requestBody ?? {};
    const form = contents['multipart/form-data'];
    const content = form ?? contents['application/json'];
    return {
      name: `${method} ${path}`,
      method,
      path,
      parameters: raw.parameters ?? [],
      ...(content && { body: { required, schema: content.schema, isForm: form !== undefined } }),
      answers: new Map(
        Object.entries(raw.responses).map(([status, answer]) => [Number(status), this.answerOf(answer)]),
      ),
      credential: credentialOf(raw.security),
    };
  }

  private answerOf(given: RawResponse): DeclaredAnswer {
    const raw = given.$ref === undefined ? given : this.at<RawResponse>(given.$ref);
    const headers = Object.entries(raw.headers ?? {}).map(
      ([name, header]) =>
        [name.toLowerCase(), header.$ref === undefined ? header : this.at<Header>(header.$ref)] as const,
    );
    return {
      codes: new Set(raw.description?.match(/(?<=`)[A-Z][A-Z_]{3,}(?=`:)/g) ?? []),
      headers: new Map(headers),
      contents: new Map(Object.entries(raw.content ?? {}).map(([type, { schema }]) => [type, schema])),
    };
  }

  private at<T>(ref: string): T {
    const steps = ref.split('/').slice(1);
    return steps.reduce<unknown>((node, step) => (node as Record<string, unknown>)[step], this.root) as T;
  }
}

function credentialOf(security: RawOperation['security']): Operation['credential'] {
  if (security === undefined) return 'key';
  return security.some(way => 'worker-token' in way) ? 'worker' : 'none';
}
