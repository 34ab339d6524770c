import { anthropicStatusOf, toAnthropicError, type AnthropicError } from '../../src/errors/anthropic-error';
import { errorCatalogue, type ErrorCode } from '../../src/errors/catalogue';
import { openaiStatusOf, toOpenaiError, type OpenaiError } from '../../src/errors/openai-error';
import { ServiceError } from '../../src/errors/service-error';
import { carriedParameters, refusedParameters } from '../../src/tasks/admission/engine-parameters';
import type { DeclaredAnswer, Header } from './api-document';
import type { Exchange } from './exchange';
import type { Plan } from './plan';
import type { SchemaCheck } from './schema-check';

/** Headers of the connection and of every answer of a server, which no document declares. */
const ordinaryHeaders = new Set([
  ...[
    'date',
    'connection',
    'keep-alive',
    'content-type',
    'content-length',
    'transfer-encoding',
    'x-content-type-options',
  ],
]);
const numericCodes: Readonly<Record<number, string>> = { 40101: 'MISSING_TOKEN', 40102: 'BAD_TOKEN' };

interface Envelope {
  readonly code: string | number;
  readonly field?: string;
  readonly correlation_id: string;
}

/** What steers engines may go with another operation, or not work. */
const taskParameters = [...carriedParameters.keys(), ...refusedParameters.keys()];

/** What no schema can say, and is 400 all the same: by operation, the fields at fault. */
const unsayable: Readonly<Record<string, readonly string[]>> = {
  // A pool that the task is pinned to is avoided; the queue makes the deadline impossible; no slot that is bound has the context, or
  // a router needs a model's name; an operation that no engine can do, or that the older name contradicts; a parameter of engines that does not work.
  'POST /v2/tasks': [
    'placement.avoid_pools',
    'deadline_ms',
    'ctx',
    'model_ref',
    'operation',
    'workload',
    ...taskParameters,
  ],
  // An address, an engine or a key file that the configuration does not allow.
  'POST /v2/workers/register': ['url', 'engine', 'api_key_file'],
  // An operation that no engine can do, or a deadline that the queue makes impossible.
  ...Object.fromEntries(
    ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/rerank', '/rerank'].map(path => [
      `POST ${path}`,
      ['model', 'X-Orchd-Deadline-Ms'],
    ]),
  ),
  // One of the two, and not both; a chat that the template of the model cannot make.
  ...Object.fromEntries(['/v1/tokenize', '/tokenize'].map(path => [`POST ${path}`, ['model', 'prompt', 'messages']])),
  // Blocks of other kinds than text, which a message may have by its role.
  'POST /v1/messages': ['model', 'messages', 'system', 'tools', 'stop_sequences', 'X-Orchd-Deadline-Ms'],
  'POST /v1/messages/count_tokens': ['model', 'messages', 'system', 'tools', 'stop_sequences'],
  // Its schema says no more of a body than the model's name.
  ...Object.fromEntries(['chat', 'generate', 'show'].map(route => [`POST /api/${route}`, ['']])),
  // One that does not run in the background.
  'POST /v1/responses/{response_id}/cancel': ['response_id'],
  // Items and tools are of many kinds.
  'POST /v1/responses/input_tokens': ['model', 'input', 'tools', 'store', 'previous_response_id', 'conversation'],
  'POST /v1/responses': [
    'model',
    'input',
    'tools',
    'store',
    'previous_response_id',
    'conversation',
    'X-Orchd-Deadline-Ms',
  ],
  'POST /v1/conversations': ['items', 'metadata'],
  'POST /v1/conversations/{conversation_id}': ['metadata'],
  'POST /v1/conversations/{conversation_id}/items': ['items'],
  'GET /v1/conversations/{conversation_id}/items': ['after'],
  // A file or a batch that is not there; a file for something else, a time that is too short or too long, any JSON where there are texts.
  'GET /v1/files': ['after'],
  'GET /v1/responses/{response_id}/input_items': ['after'],
  'GET /v1/batches': ['after'],
  'POST /v1/batches': ['input_file_id', 'completion_window', 'metadata', 'output_expires_after'],
  // An event that a live task has not sent yet.
  'GET /v2/tasks/{id}/events': ['last_event_id'],
};

/** Nobody can serve it now, in time, or there is no room for it; 529 is Anthropic's own. */
const excusable: ReadonlySet<number> = new Set([503, 504, 507, 529]);

/** Holds an answer against the document. */
export class Judge {
  constructor(private readonly check: SchemaCheck) {}

  /** Everything that is off, in words. */
  faultsOf(plan: Plan, { status, headers, text, left }: Exchange): string[] {
    const faults: string[] = [];
    const { operation, expected, fits, plain } = plan;
    if (expected && !expected.includes(status)) faults.push(`status ${status}, not ${expected.join(' or ')}`);
    // A run keeps the outputs of tasks small.
    const isTooLarge = status === 500 && text.includes('"output_too_large"');
    if (status >= 500 && !excusable.has(status) && !isTooLarge) faults.push(`status ${status}`);
    // Whether an engine is there may be asked before all of a body is read.
    if (!expected && !fits && (status < 400 || (status >= 500 && status !== 503)))
      faults.push(`status ${status}, though it does not fit`);
    if (status === 405 || plan.method === 'OPTIONS') return [...faults, ...this.methodFaults(plan, headers)];

    const declared = operation.answers.get(status);
    if (!declared) return [...faults, `status ${status} is not declared`];
    faults.push(...this.headerFaults(declared, headers));
    const correlationId = headers['x-correlation-id'];
    const sentId = plan.headers['X-Correlation-Id'];
    if (sentId !== undefined && correlationId !== sentId)
      faults.push(`correlation id ${String(correlationId)}, not ${sentId}`);
    const { fault, body } = this.content(declared, headers['content-type'], text, left);
    if (fault !== undefined) faults.push(fault);
    if (status < 400 || typeof body !== 'object' || body === null) return faults;

    const anthropic = 'type' in body && body.type === 'error' ? (body as AnthropicError) : undefined;
    const ollama = 'error' in body && typeof body.error === 'string';
    const openai = 'error' in body && !anthropic && !ollama ? (body.error as OpenaiError) : undefined;
    const envelope = body as Envelope;
    if (anthropic) faults.push(...anthropicFaults(anthropic, status, declared, correlationId));
    else if (ollama) faults.push(...ollamaFaults(status, declared));
    else if (openai) faults.push(...openaiFaults(openai, status, declared));
    else faults.push(...envelopeFaults(envelope, status, declared, correlationId));
    // What has become a task was refused by the engine, which knows more of a body than a schema of ours tells.
    const isRefusedByEngine = headers['x-orchd-task-id'] !== undefined;
    const field = anthropic ? fieldIn(anthropic) : openai ? openai.param : envelope.field;
    const isExplained =
      isRefusedByEngine || text.includes('after its deadline') || isUnsayable(operation.name, field ?? '');
    if (plain && fits && !expected && [400, 413, 414, 415].includes(status) && !isExplained) {
      faults.push(`refused, though it fits: ${text.slice(0, 300)}`);
    }
    return faults;
  }

  private methodFaults({ method, operation }: Plan, headers: Exchange['headers']): string[] {
    const allowed = headers.allow?.split(', ') ?? [];
    if (!allowed.includes(operation.method) || (method !== 'OPTIONS' && allowed.includes(method)))
      return [`Allow: ${String(headers.allow)}`];
    return headers['x-correlation-id'] === undefined ? ['no correlation id'] : [];
  }

  private headerFaults({ headers: declared }: DeclaredAnswer, received: Exchange['headers']): string[] {
    const faults: string[] = [];
    for (const [name, header] of declared) {
      const text = received[name];
      if (text === undefined) {
        if (header.required === true) faults.push(`no header ${name}`);
      } else if (!this.isHeader(header, String(text))) faults.push(`header ${name}: ${String(text)}`);
    }
    const others = Object.keys(received).filter(name => !declared.has(name) && !ordinaryHeaders.has(name));
    return [...faults, ...others.map(name => `header ${name} is not declared`)];
  }

  private isHeader({ schema }: Header, text: string): boolean {
    const isNumber = schema.type === 'integer' || schema.type === 'number';
    return this.check.takes(schema, isNumber && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text);
  }

  private content(
    { contents }: DeclaredAnswer,
    given: string | undefined,
    text: string,
    left: boolean,
  ): { readonly fault?: string; readonly body?: unknown } {
    if (contents.size === 0)
      return text === '' ? {} : { fault: `a body where none is declared: ${text.slice(0, 100)}` };
    const type = given?.split(';')[0] ?? '';
    if (!contents.has(type)) return { fault: `content type ${String(given)} is not declared` };
    if (type === 'text/event-stream') return { fault: left ? undefined : streamFault(text) };
    const schema = contents.get(type) ?? {};
    if (type !== 'application/json') return { fault: this.check.faultOf(schema, text) };
    try {
      const body: unknown = JSON.parse(text);
      return { body, fault: this.check.faultOf(schema, body) };
    } catch {
      return { fault: `not JSON: ${text.slice(0, 100)}` };
    }
  }
}

function envelopeFaults(
  { code, correlation_id: id }: Envelope,
  status: number,
  declared: DeclaredAnswer,
  correlationId: unknown,
): string[] {
  const faults: string[] = [];
  const name = typeof code === 'number' ? numericCodes[code] : code;
  const entry =
    name !== undefined && name in errorCatalogue ? errorCatalogue[name as keyof typeof errorCatalogue] : undefined;
  if (entry?.status !== status) faults.push(`code ${code} with status ${status}`);
  if (name !== undefined && !declared.codes.has(name)) faults.push(`code ${name} is not declared for status ${status}`);
  if (id !== correlationId) faults.push('another correlation id in the body');
  return faults;
}

/** An error of OpenAI's API has a code of its own, or one of ours in lower case. */
function openaiFaults({ code }: OpenaiError, status: number, declared: DeclaredAnswer): string[] {
  const codes = (Object.keys(errorCatalogue) as ErrorCode[]).filter(each => {
    const error = new ServiceError(each);
    return openaiStatusOf(error) === status && toOpenaiError(error).code === code;
  });
  if (codes.length === 0) return [`code ${String(code)} with status ${status}`];
  return codes.some(each => declared.codes.has(each)) ? [] : [`code ${String(code)} is not declared for ${status}`];
}

/** An error of Anthropic's API has no code: it must be one of those that are declared, by its type. */
function anthropicFaults(
  { error: { type }, request_id: id }: AnthropicError,
  status: number,
  declared: DeclaredAnswer,
  correlationId: unknown,
): string[] {
  const isOne = (Object.keys(errorCatalogue) as ErrorCode[]).some(code => {
    const error = new ServiceError(code);
    return (
      declared.codes.has(code) && anthropicStatusOf(error) === status && toAnthropicError(error).error.type === type
    );
  });
  return [
    ...(isOne ? [] : [`type ${type} is not declared for ${status}`]),
    ...(id === correlationId ? [] : ['another id']),
  ];
}

/** A field, or what it is a member of. */
function isUnsayable(operation: string, field: string): boolean {
  const fields = unsayable[operation] ?? [];
  return fields.includes(field) || fields.includes(field.split('.', 1)[0] ?? '');
}

/** An error of Ollama's API is a sentence: its status must be that of a code that is declared. */
function ollamaFaults(status: number, declared: DeclaredAnswer): string[] {
  const codes = Object.keys(errorCatalogue) as ErrorCode[];
  const isOne = codes.some(code => declared.codes.has(code) && openaiStatusOf(new ServiceError(code)) === status);
  return isOne ? [] : [`no code is declared for ${status}`];
}

/** The member at fault: messages begin with its path. */
function fieldIn({ error: { message } }: AnthropicError): string {
  return message.split(/[ .]/, 1)[0] ?? '';
}

/** A whole stream: frames of known fields, each data JSON, and the terminal event last. */
function streamFault(text: string): string | undefined {
  const frames = text
    .split('\n\n')
    .filter(frame => frame !== '' && !frame.startsWith(':') && !frame.startsWith('retry:'));
  for (const frame of frames) {
    if (isChunk(frame)) continue;
    const [, type, data] = /^(?:id: \d+\n)?event: ([\w.]+)\ndata: (.*)$/.exec(frame) ?? [];
    if (type === undefined || data === undefined) return `not a frame: ${frame.slice(0, 100)}`;
    JSON.parse(data);
  }
  const last = frames.at(-1);
  return last === undefined ||
    /event: (end|error|message_stop|response\.(completed|incomplete|failed))\n/.test(last) ||
    /^data: (\[DONE\]|\{"error":.*)$/.test(last)
    ? undefined
    : `the last frame is ${last.slice(0, 100)}`;
}

/** Of OpenAI's streams, which name no events. */
function isChunk(frame: string): boolean {
  const data = /^data: (.*)$/.exec(frame)?.[1];
  if (data === undefined) return false;
  if (data !== '[DONE]') JSON.parse(data);
  return true;
}
