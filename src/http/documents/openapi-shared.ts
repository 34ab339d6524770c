import { STATUS_CODES } from 'node:http';
import type { OpenAPIObject } from '@nestjs/swagger';
import { errorCatalogue, type ErrorCode } from '../../errors/catalogue';
import { anthropicStatusOf } from '../../errors/anthropic-error';
import { openaiStatusOf } from '../../errors/openai-error';
import { ServiceError } from '../../errors/service-error';
import type { Api } from './api-of-path';
import {
  anthropicErrorContent,
  describeErrors,
  errorContent,
  ollamaErrorContent,
  openaiErrorContent,
} from './api-errors';

/*
 * What stands at none of the controllers: how any request can fail before one is reached, and the headers that every answer has.
 */

type Operations = OpenAPIObject['paths'][string];
type Components = NonNullable<OpenAPIObject['components']>;
type Responses = NonNullable<Components['responses']>;
type Headers = NonNullable<Components['headers']>;
type OperationResponses = NonNullable<Operations['get']>['responses'];

const count = { type: 'integer', format: 'int64', minimum: 0 } as const;

const errorEnvelope: NonNullable<Components['schemas']>[string] = {
  type: 'object',
  description: 'The body of every error.',
  required: ['code', 'message', 'retriable', 'correlation_id'],
  properties: {
    code: {
      oneOf: [{ type: 'string' }, { type: 'integer' }],
      description: 'A code of docs/errors.md; a number where a worker has no valid token.',
    },
    message: { type: 'string', description: 'What is wrong, for people.' },
    engine: { type: 'string', description: 'The engine that the error came from.' },
    retriable: { type: 'boolean', description: 'Whether the same request can succeed later.' },
    retry_after_ms: { ...count, description: 'Milliseconds after which to try again.' },
    policy_label: { type: 'string', description: 'The admission policy that refused.' },
    field: { type: 'string', description: 'The field at fault.' },
    correlation_id: { type: 'string', description: 'As in the header `X-Correlation-Id`.' },
  },
};

const openaiError: NonNullable<Components['schemas']>[string] = {
  type: 'object',
  description: "The body of every error of OpenAI's API.",
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      description: 'What is wrong.',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string', description: 'What is wrong, for people.' },
        type: { type: 'string', description: 'The kind of error.' },
        param: { type: 'string', nullable: true, description: 'The member or header at fault.' },
        code: {
          type: 'string',
          nullable: true,
          description: "A code of docs/errors.md in lower case, or that API's own.",
        },
      },
    },
  },
};

const anthropicError: NonNullable<Components['schemas']>[string] = {
  type: 'object',
  description: "The body of every error of Anthropic's API.",
  required: ['type', 'error'],
  properties: {
    type: { type: 'string', enum: ['error'], description: 'What this is.' },
    error: {
      type: 'object',
      description: 'What is wrong.',
      required: ['type', 'message'],
      properties: {
        type: { type: 'string', description: 'The kind of error.' },
        message: { type: 'string', description: 'What is wrong, for people.' },
      },
    },
    request_id: { type: 'string', description: 'As in the header `Request-Id`.' },
  },
};

const ollamaError: NonNullable<Components['schemas']>[string] = {
  type: 'object',
  description: "The body of every error of Ollama's API.",
  required: ['error'],
  properties: { error: { type: 'string', description: 'What is wrong, for people.' } },
};

const ownHeaders = {
  CorrelationId: {
    description: 'The id that the request came with, or a new one; every log line about it has it.',
    required: true,
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' },
  },
  RetryAfter: {
    description: 'Whole seconds after which to try again.',
    required: true,
    schema: { ...count, minimum: 1 },
  },
  BackoffMs: {
    description: 'The same in milliseconds, finer and different for each client.',
    required: true,
    schema: count,
  },
  AcceptEncoding: { description: 'Where a compressed body was refused: what is taken.', schema: { type: 'string' } },
  RetryAfterIfKnown: { description: 'Whole seconds after which to try again.', schema: { ...count, minimum: 1 } },
  BackoffMsIfKnown: { description: 'The same in milliseconds, finer and different for each client.', schema: count },
} satisfies Headers;

const sameId = { ...ownHeaders.CorrelationId, description: 'The same as `X-Correlation-Id`.' };
const whereSent = 'Once it is a task: ';
/** Of answers to what may have become a task; components by their names without dashes. */
const taskHeaders: Headers = {
  'X-Should-Retry': {
    description: '`false` where it is of no use to try again within a minute.',
    schema: { type: 'string', enum: ['false'] },
  },
  'X-Orchd-Task-Id': { description: `${whereSent}its id.`, schema: { type: 'string' } },
  'X-Orchd-Queue-Position': { description: `${whereSent}how many went before it.`, schema: count },
  'X-Orchd-Predicted-Start-Ms': { description: `${whereSent}when it was expected to start.`, schema: count },
  'X-Orchd-Estimated': {
    description: 'Of a count: no tokenizer was asked.',
    schema: { type: 'string', enum: ['true'] },
  },
  'X-Orchd-Pool': { description: `${whereSent}where it runs.`, schema: { type: 'string' } },
  'X-Orchd-Replica': { description: `${whereSent}which replica runs it.`, schema: { type: 'string' } },
  'X-RateLimit-Limit-Requests': { description: `${whereSent}places in the queue.`, schema: count },
  'X-RateLimit-Remaining-Requests': { description: `${whereSent}of them, those that are free.`, schema: count },
  'X-RateLimit-Limit-Tokens': { description: `${whereSent}of its named session, the budget.`, schema: count },
  'X-RateLimit-Remaining-Tokens': { description: `${whereSent}of that, what is left.`, schema: count },
  'Cache-Control': { description: 'Of a stream: it is not kept.', schema: { type: 'string' } },
  'X-Accel-Buffering': { description: 'Of a stream, for nginx: not held back.', schema: { type: 'string' } },
  'X-Request-Id': sameId,
  'Request-Id': sameId,
  'openai-processing-ms': { description: 'Milliseconds until the head was sent.', required: true, schema: count },
};

const componentOf = (header: string): string => header.replaceAll('-', '');

const refTo = (kind: 'headers' | 'responses', name: string) => ({ $ref: `#/components/${kind}/${name}` });

const correlated = { 'X-Correlation-Id': refTo('headers', 'CorrelationId') };
/** A refusal for want of room always says when to come back; one for other reasons where that is known. */
const headersByStatus: Readonly<Record<number, Headers>> = {
  415: { 'Accept-Encoding': refTo('headers', 'AcceptEncoding') },
  429: { 'Retry-After': refTo('headers', 'RetryAfter'), 'X-Backoff-Ms': refTo('headers', 'BackoffMs') },
  503: { 'Retry-After': refTo('headers', 'RetryAfterIfKnown'), 'X-Backoff-Ms': refTo('headers', 'BackoffMsIfKnown') },
  507: { 'Retry-After': refTo('headers', 'RetryAfterIfKnown'), 'X-Backoff-Ms': refTo('headers', 'BackoffMsIfKnown') },
};

/** How requests can fail that no route has anything to do with. */
const everywhere = [
  ['INVALID_PARAMS'],
  ['FORBIDDEN', 'HOST_NOT_ALLOWED'],
  ['REQUEST_TIMEOUT'],
  ['HEADERS_TOO_LARGE'],
  ['INTERNAL'],
] as const;
const withKey = [['UNAUTHENTICATED']] as const;
const withIdInPath = [['URI_TOO_LONG']] as const;
/** Also of those that need no body: a POST or a DELETE reads one. */
const withBody = [['BODY_TOO_LARGE'], ['UNSUPPORTED_MEDIA_TYPE'], ['INTAKE_FULL', 'SHUTTING_DOWN']] as const;
const withoutBody = [['SHUTTING_DOWN']] as const;

type Failure = readonly [ErrorCode, ...ErrorCode[]];

export const sharedComponents = {
  schemas: {
    ErrorEnvelope: errorEnvelope,
    OpenaiError: openaiError,
    AnthropicError: anthropicError,
    OllamaError: ollamaError,
  },
  headers: {
    ...ownHeaders,
    ...Object.fromEntries(Object.entries(taskHeaders).map(([name, header]) => [componentOf(name), header])),
  } as Headers,
  responses: Object.fromEntries(
    [...everywhere, ...withKey, ...withIdInPath, ...withBody, ...withoutBody].map((codes: Failure) => [
      codes[0],
      { description: describeErrors(codes), headers: headersOf(statusOf(codes)), content: errorContent },
    ]),
  ) as Responses,
};

const told = (...names: readonly string[]): Headers =>
  Object.fromEntries(names.map(name => [name, refTo('headers', componentOf(name))]));

const ofOneApi = ['X-Request-Id', 'Request-Id', 'openai-processing-ms'];
const workHeaders: Headers = {
  ...correlated,
  'Retry-After': refTo('headers', 'RetryAfterIfKnown'),
  'X-Backoff-Ms': refTo('headers', 'BackoffMsIfKnown'),
  'Accept-Encoding': refTo('headers', 'AcceptEncoding'),
  ...told(...Object.keys(taskHeaders).filter(name => !ofOneApi.includes(name))),
};

/** What an API that is not our own says of every answer. */
interface Manners {
  readonly headers: Headers;
  readonly content: Readonly<Record<string, object>>;
  readonly statusOf: (error: ServiceError) => number;
}

const manners: Readonly<Record<Exclude<Api, 'own'>, Manners>> = {
  openai: {
    headers: { ...workHeaders, ...told('X-Request-Id', 'openai-processing-ms') },
    content: openaiErrorContent,
    statusOf: openaiStatusOf,
  },
  ollama: { headers: workHeaders, content: ollamaErrorContent, statusOf: openaiStatusOf },
  anthropic: {
    headers: { ...workHeaders, ...told('Request-Id') },
    content: anthropicErrorContent,
    statusOf: anthropicStatusOf,
  },
};

/** How requests of such an API can fail that no route of it has anything to do with. */
const foreignFailures: readonly Failure[] = [
  ['INVALID_PARAMS'],
  ['HOST_NOT_ALLOWED'],
  ['UNAUTHENTICATED', 'FORBIDDEN'],
  ['REQUEST_TIMEOUT'],
  ['HEADERS_TOO_LARGE'],
  ['INTERNAL'],
  ['URI_TOO_LONG'],
  ['SHUTTING_DOWN'],
];

/** The same for a path of another API. */
export function tellSharedOf(api: Exclude<Api, 'own'>, { get, post, delete: remove }: Operations): void {
  for (const operation of [get, post, remove]) {
    if (operation === undefined) continue;
    const failures = operation === get ? foreignFailures : [...foreignFailures, ...withBody];
    for (const codes of failures) addForeignFailure(manners[api], operation.responses, codes);
    for (const response of Object.values(operation.responses)) {
      if (response !== undefined && !('$ref' in response))
        response.headers = { ...manners[api].headers, ...response.headers };
    }
  }
}

function addForeignFailure({ statusOf, content }: Manners, responses: OperationResponses, codes: Failure): void {
  const status = statusOf(new ServiceError(codes[0]));
  const own = responses[status];
  if (own === undefined) responses[status] = { description: describeErrors(codes), content };
  else if (!('$ref' in own)) {
    const others = codes.filter(code => !own.description.includes(`\`${code}\``));
    own.description = [own.description, describeErrors(others)].filter(text => text !== '').join(' ');
  }
}

/** Adds to the operations of a path what they share with all others. */
export function tellShared(path: string, { get, post, delete: remove }: Operations): void {
  for (const operation of [get, post, remove]) {
    if (operation === undefined) continue;
    for (const [status, response] of Object.entries(operation.responses)) {
      if (response === undefined || '$ref' in response) continue;
      response.description ||= STATUS_CODES[status] ?? '';
      response.headers = { ...headersOf(Number(status)), ...response.headers };
    }
    const { security } = operation;
    const isOpen = security?.some(way => Object.keys(way).length === 0) === true;
    const failures: readonly Failure[] = [
      ...everywhere,
      ...(security === undefined ? withKey : []),
      ...(path.includes('{') ? withIdInPath : []),
      ...(operation !== get ? withBody : isOpen ? [] : withoutBody),
    ];
    for (const codes of failures) addFailure(operation.responses, codes);
  }
}

/** Where a route has answers of its own with that status, its description names these codes too. */
function addFailure(responses: OperationResponses, codes: Failure): void {
  const status = statusOf(codes);
  const own = responses[status];
  if (own === undefined) responses[status] = refTo('responses', codes[0]);
  else if (!('$ref' in own)) {
    const others = codes.filter(code => !own.description.includes(`\`${code}\``));
    own.description = [own.description, describeErrors(others)].filter(text => text !== '').join(' ');
  }
}

function statusOf([first]: Failure): number {
  return errorCatalogue[first].status;
}

function headersOf(status: number): Headers {
  return { ...correlated, ...headersByStatus[status] };
}
