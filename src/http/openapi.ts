import type { HttpServer, INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorCatalogue, type ErrorCode } from '../errors/catalogue';
import { API_VERSION } from '../meta/api-version';
import { describeErrors, errorSchema } from './api-errors';

/** The error envelope, which every route's error answers refer to. */
const errorEnvelopeSchema: NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string] = {
  type: 'object',
  required: ['code', 'message', 'retriable'],
  properties: {
    code: { oneOf: [{ type: 'string' }, { type: 'integer' }], description: 'A code of docs/errors.md.' },
    message: { type: 'string' },
    engine: { type: 'string' },
    retriable: { type: 'boolean', description: 'Whether the same request can succeed later.' },
    retry_after_ms: { type: 'integer' },
    policy_label: { type: 'string' },
    field: { type: 'string', description: 'The field at fault.' },
    correlation_id: { type: 'string' },
  },
};

/** The OpenAPI document, from the controllers and DTOs as they are. */
export function buildOpenApi(app: INestApplication): OpenAPIObject {
  const info = new DocumentBuilder()
    .setTitle('orchestratord')
    .setDescription('Admits, queues, places and streams LLM tasks between programs and self-hosted engines.')
    .setVersion(API_VERSION)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'api-key')
    .addBearerAuth({ type: 'http', scheme: 'bearer' }, 'worker-token')
    .addSecurityRequirements('api-key')
    .build();
  const document = SwaggerModule.createDocument(app, info);
  for (const path of Object.values(document.paths)) addSharedErrors(path);
  const schemas = { ...document.components?.schemas, ErrorEnvelope: errorEnvelopeSchema };
  return { ...document, components: { ...document.components, schemas } };
}

/** What stands at none of the controllers: the key of every route that names no credential of its own, and what a body may be. */
function addSharedErrors(path: OpenAPIObject['paths'][string]): void {
  for (const operation of [path.get, path.post, path.delete]) {
    if (operation === undefined) continue;
    const codes: ErrorCode[] = [];
    if (operation.security === undefined) codes.push('UNAUTHENTICATED', 'FORBIDDEN');
    if (operation.requestBody !== undefined) codes.push('BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'INTAKE_FULL');
    for (const code of codes) {
      operation.responses[errorCatalogue[code].status] ??= {
        description: describeErrors([code]),
        content: { 'application/json': { schema: errorSchema } },
      };
    }
  }
}

/** Serves the document at /openapi.json and a page to browse it at /docs. It is built on the first request. */
export function serveOpenApi(app: INestApplication): void {
  let document: OpenAPIObject | undefined;
  const built = (): OpenAPIObject => (document ??= buildOpenApi(app));
  SwaggerModule.setup('docs', app, built, { raw: ['yaml'], customSiteTitle: 'orchestratord' });
  // Sent as every other JSON of ours is.
  const adapter = app.getHttpAdapter() as HttpServer<FastifyRequest, FastifyReply>;
  adapter.get('/openapi.json', (_request: FastifyRequest, reply: FastifyReply) => void reply.send(built()));
}
