import Ajv, { type ValidateFunction } from 'ajv';
import type { ApiDocument, Schema } from './api-document';

/** Holds values against schemas of the document. */
export class SchemaCheck {
  private readonly ajv = new Ajv({ strict: false, formats: { int64: true, binary: true } });
  private readonly compiled = new Map<Schema, ValidateFunction>();

  constructor(document: ApiDocument) {
    this.ajv.addSchema(document.root, 'api');
    this.ajv.addSchema(closed(document.root) as object, 'closed');
  }

  /** Whether a request may hold this. */
  takes(schema: Schema, value: unknown): boolean {
    return this.validator(schema, inDocument(schema, 'api'))(value);
  }

  /** What is wrong with a member of an answer; undefined where nothing is. A member that is not declared is wrong. */
  faultOf(schema: Schema, value: unknown): string | undefined {
    const validate = this.validator(schema, inDocument(closed(schema), 'closed'));
    return validate(value) ? undefined : this.ajv.errorsText(validate.errors, { dataVar: 'body' });
  }

  private validator(schema: Schema, compilable: object): ValidateFunction {
    let validate = this.compiled.get(schema);
    if (!validate) this.compiled.set(schema, (validate = this.ajv.compile(compilable)));
    return validate;
  }
}

/** With references that lead into the document as it was added under a name. */
function inDocument(node: unknown, name: string): object {
  return JSON.parse(JSON.stringify(node), (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' ? name + value : value,
  ) as object;
}

/** The same schemas with no members beside those that they name. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== 'object' || node === null) return node;
  const members = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, closed(value)]));
  const isOpen = members['type'] === 'object' && 'properties' in members && !('additionalProperties' in members);
  return isOpen ? { ...members, additionalProperties: false } : members;
}
