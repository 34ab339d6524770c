import { STATUS_CODES } from 'node:http';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { ErrorCode } from '../errors/catalogue';
import { describeErrors, errorContent } from './api-errors';

/*
 * What stands at none of the controllers: how any request can fail before one is reached, and the headers that every answer has.
 */

type Operations = OpenAPIObject['paths'][string];
type Components = NonNullable<OpenAPIObject['components']>;
type Responses = NonNullable<Components['responses']>;
type Headers = NonNullable<Components['headers']>;

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

const headers = {
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
  RetryAfterIfKnown: { description: 'Whole seconds after which to try again.', schema: { ...count, minimum: 1 } },
  BackoffMsIfKnown: { description: 'The same in milliseconds, finer and different for each client.', schema: count },
} satisfies Headers;

const refTo = (kind: 'headers' | 'responses', name: string) => ({ $ref: `#/components/${kind}/${name}` });

const correlated = { 'X-Correlation-Id': refTo('headers', 'CorrelationId') };
/** A refusal for want of room always says when to come back; one for other reasons where that is known. */
const backoffByStatus: Readonly<Record<string, Headers>> = {
  429: { 'Retry-After': refTo('headers', 'RetryAfter'), 'X-Backoff-Ms': refTo('headers', 'BackoffMs') },
  503: { 'Retry-After': refTo('headers', 'RetryAfterIfKnown'), 'X-Backoff-Ms': refTo('headers', 'BackoffMsIfKnown') },
  507: { 'Retry-After': refTo('headers', 'RetryAfterIfKnown'), 'X-Backoff-Ms': refTo('headers', 'BackoffMsIfKnown') },
};

/** How requests can fail that no route has anything to do with, by status. */
const shared = {
  400: ['INVALID_PARAMS'],
  401: ['UNAUTHENTICATED'],
  403: ['FORBIDDEN', 'HOST_NOT_ALLOWED'],
  408: ['REQUEST_TIMEOUT'],
  413: ['BODY_TOO_LARGE'],
  414: ['URI_TOO_LONG'],
  415: ['UNSUPPORTED_MEDIA_TYPE'],
  431: ['HEADERS_TOO_LARGE'],
  500: ['INTERNAL'],
  503: ['INTAKE_FULL'],
} as const satisfies Readonly<Record<number, readonly ErrorCode[]>>;

export const sharedComponents = {
  schemas: { ErrorEnvelope: errorEnvelope },
  headers,
  responses: Object.fromEntries(
    Object.entries(shared).map(([status, codes]: [string, readonly ErrorCode[]]) => [
      nameOf(codes),
      {
        description: describeErrors(codes),
        headers: { ...correlated, ...(backoffByStatus[status] ?? {}) },
        content: errorContent,
      },
    ]),
  ) as Responses,
};

/** Adds to the operations of a path what they share with all others. */
export function tellShared(path: string, { get, post, delete: remove }: Operations): void {
  for (const operation of [get, post, remove]) {
    if (operation === undefined) continue;
    for (const [status, response] of Object.entries(operation.responses)) {
      if (response === undefined || '$ref' in response) continue;
      response.description ||= STATUS_CODES[status] ?? '';
      response.headers = { ...correlated, ...(backoffByStatus[status] ?? {}), ...response.headers };
    }
    // A POST or a DELETE reads a body, also where it needs none.
    const statuses: (keyof typeof shared)[] = [
      400,
      403,
      408,
      431,
      500,
      ...(operation === get ? [] : ([413, 415, 503] as const)),
    ];
    if (operation.security === undefined) statuses.push(401);
    if (path.includes('{')) statuses.push(414);
    for (const status of statuses) operation.responses[status] ??= refTo('responses', nameOf(shared[status]));
  }
}

function nameOf([first]: readonly ErrorCode[]): string {
  return first ?? '';
}
