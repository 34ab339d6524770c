import type { Random } from '../crash/random';
import type { ApiDocument, Operation, Parameter, Schema } from './api-document';
import { hostileTexts, plainText } from './hostile';
import type { Memory } from './memory';
import type { Plan } from './plan';
import type { SchemaCheck } from './schema-check';
import { transportFaults } from './transport-faults';
import { Values } from './values';

export interface Credentials {
  readonly apiKey: string;
  readonly workerToken: string;
}

/** The parts of a request before they are put together. */
interface Parts {
  /** As text, decoded; undefined where it is left out. */
  readonly parameters: Map<Parameter, string | undefined>;
  body: unknown;
  hasBody: boolean;
}

const UNKNOWN_QUERY = 'nobody_knows';
const BOUNDARY = 'a-boundary-that-no-text-has';

/** Plans requests to an operation: right ones, ones with one thing wrong, and ones that are wrong before a schema is asked. */
export class Planner {
  private readonly values: Values;
  private operation: Operation | undefined;

  constructor(
    document: ApiDocument,
    private readonly random: Random,
    private readonly check: SchemaCheck,
    private readonly credentials: Credentials,
    memory: Memory,
  ) {
    this.values = new Values(document, random, name => this.operation && memory.recall(this.operation, name));
  }

  plan(operation: Operation): Plan {
    this.operation = operation;
    const parts = this.rightParts(operation);
    const kind = this.random.below(100);
    if (kind >= 90) {
      const faults = transportFaults(operation, this.credentials.apiKey);
      if (faults.length > 0) return this.random.pick(faults)(this.put(operation, parts, true), this.random);
    }
    // What is wrong of forms is tried by a test of its own.
    const plain = kind < 45 || operation.body?.isForm === true;
    if (!plain) this.spoil(operation, parts);
    return this.put(operation, parts, plain);
  }

  private rightParts(operation: Operation): Parts {
    const parameters = new Map<Parameter, string | undefined>();
    for (const parameter of operation.parameters) {
      const given = parameter.required || this.random.below(3) === 0;
      const text = textOf(this.values.make(parameter.schema, parameter.name).value);
      parameters.set(parameter, given ? (parameter.in === 'header' ? headerText(text) : text) : undefined);
    }
    const { body } = operation;
    const hasBody = body !== undefined && (body.required || this.random.below(5) > 0);
    return { parameters, hasBody, body: hasBody ? this.rightBody(body.schema) : undefined };
  }

  /** The document's own example now and then: no other body says so surely what the operation does when it goes well. */
  private rightBody(schema: Schema): unknown {
    const isExample = schema.example !== undefined && this.random.below(6) === 0;
    return isExample ? schema.example : this.values.make(schema).value;
  }

  private spoil(operation: Operation, parts: Parts): void {
    const { body, parameters } = operation;
    const inBody = body !== undefined && (parameters.length === 0 || this.random.below(3) > 0);
    if (inBody) {
      parts.hasBody = this.random.below(20) > 0;
      parts.body = this.values.makeWrong(body.schema);
    } else if (parameters.length > 0) {
      const parameter = this.random.pick(parameters);
      parts.parameters.set(parameter, this.wrongText(parameter));
    }
  }

  private wrongText({ in: place, schema }: Parameter): string {
    const text = this.random
      .pick([
        ...[
          '1.5',
          '1e2',
          '0x10',
          '01',
          '+1',
          ' 1',
          '1 ',
          '-0',
          '0',
          '-1',
          'TRUE',
          'yes',
          'a b',
          'a/b',
          '-a',
          '.',
          '..',
          '~',
        ],
        ...['9'.repeat(20), String((schema.maximum ?? 0) + 1), 'x'.repeat(129), 'é', '\u{1F600}', 'a%20b'],
        ...hostileTexts.filter(each => each.length < 300),
        plainText(this.random, 1, 30),
      ])
      .toWellFormed();
    if (place === 'header') return headerText(text);
    // An empty segment would be another path.
    return place === 'path' && text === '' ? '-' : text;
  }

  private put(operation: Operation, { parameters, hasBody, body }: Parts, plain: boolean): Plan {
    const headers: Record<string, string> = { ...this.credentialOf(operation) };
    const query: string[] = this.random.below(20) === 0 ? [`${UNKNOWN_QUERY}=1`] : [];
    let { path } = operation;
    let fits = true;
    for (const [parameter, text] of parameters) {
      if (text === undefined) continue;
      fits &&= this.check.takes(parameter.schema, typed(parameter.schema, text));
      if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, () => encodeURIComponent(text));
      else if (parameter.in === 'header') headers[parameter.name] = text;
      else query.push(`${parameter.name}=${encodeURIComponent(text)}`);
    }
    if (operation.body) fits &&= hasBody ? this.check.takes(operation.body.schema, body) : !operation.body.required;
    const isForm = operation.body?.isForm === true;
    if (hasBody) headers['Content-Type'] = isForm ? `multipart/form-data; boundary=${BOUNDARY}` : 'application/json';
    if (this.random.below(4) === 0) headers['X-Correlation-Id'] = plainText(this.random, 1, 12).replace(/[^!-~]/g, '-');
    return {
      operation,
      method: operation.method,
      target: path + (query.length > 0 ? `?${query.join('&')}` : ''),
      headers,
      ...(hasBody && { body: isForm ? formOf(body as object) : JSON.stringify(body) }),
      fits,
      plain,
    };
  }

  private credentialOf({ credential }: Operation): Readonly<Record<string, string>> {
    if (credential === 'none') return {};
    const { apiKey, workerToken } = this.credentials;
    return credential === 'key' ? { 'X-API-Key': apiKey } : { Authorization: `Bearer ${workerToken}` };
  }
}

function formOf(fields: object): string {
  const parts = Object.entries(fields).map(([name, value]: [string, unknown]) => {
    const file = name === 'file' ? '; filename="fuzz.jsonl"' : '';
    return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${textOf(value)}\r\n`;
  });
  return `${parts.join('')}--${BOUNDARY}--\r\n`;
}

/** What a header can carry. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').trim();
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What a schema is asked about, where a parameter is text on the wire. */
function typed({ type }: Schema, text: string): unknown {
  if (type === 'integer') return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : text;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}
