import type { HttpServer, INestApplication } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { API_VERSION } from './versions';
import { apiOf } from './api-of-path';
import { toldSwagger } from './decorators';
import { serveDocsPage } from './docs-page';
import { onceMade } from './once-made';
import { sharedComponents, tellShared, tellSharedOf } from './openapi-shared';
import { NO_TYPE } from './schemas';

/** The OpenAPI document, from the controllers and DTOs as they are. */
export async function buildOpenApi(app: INestApplication): Promise<OpenAPIObject> {
  const { DocumentBuilder, SwaggerModule } = await toldSwagger();
  const info = new DocumentBuilder()
    .setOpenAPIVersion('3.0.3')
    .setTitle('orchestratord')
    .setDescription('Admits, queues, places and streams LLM tasks between programs and self-hosted engines.')
    .setVersion(API_VERSION)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'api-key')
    .addBearerAuth({ type: 'http', scheme: 'bearer' }, 'worker-token')
    .addSecurityRequirements('api-key')
    .build();
  const document = SwaggerModule.createDocument(app, info);
  for (const [path, operations] of Object.entries(document.paths)) {
    const api = apiOf(path);
    if (api === 'own') tellShared(path, operations);
    else tellSharedOf(api, operations);
  }
  const { components } = document;
  const { schemas, ...shared } = sharedComponents;
  const whole = {
    ...document,
    components: { ...components, schemas: { ...components?.schemas, ...schemas }, ...shared },
  };
  return withoutMarks(whole) as OpenAPIObject;
}

/** Takes out what only the framework needs: the type of what has none, and null for what stands in a path, a query or a header. */
function withoutMarks(node: unknown, isParameter = false): unknown {
  if (Array.isArray(node))
    return node.map(member => withoutMarks(member, isParameter)).filter(member => member !== null || !isParameter);
  if (typeof node !== 'object' || node === null) return node;
  const inParameter = isParameter || ('in' in node && 'schema' in node);
  const members = Object.entries(node).filter(
    ([name, value]) => !(name === 'type' && value === NO_TYPE) && !(name === 'nullable' && inParameter),
  );
  return Object.fromEntries(members.map(([name, value]) => [name, withoutMarks(value, inParameter)]));
}

/** Serves the document at /openapi.json and a page to browse it at /docs. It is built on the first request. */
export function serveOpenApi(app: INestApplication): void {
  const built = onceMade(() => buildOpenApi(app));
  const adapter = app.getHttpAdapter() as HttpServer<FastifyRequest, FastifyReply, FastifyInstance>;
  serveDocsPage(adapter.getInstance(), built);
  // Sent as every other JSON of ours is.
  adapter.get('/openapi.json', async (_request: FastifyRequest, reply: FastifyReply) => reply.send(await built()));
}
