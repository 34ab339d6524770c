import type { INestApplication } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { toldSwagger } from './decorators';
import { onceMade } from './once-made';

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** All that the framework has handlers for: it adds its routes when it is set up, which here is long after the last route can be added. */
const PATHS = [
  ...['/docs', '/docs/', '/docs/index.html', '/docs/LICENSE', '/docs-yaml'],
  ...['/docs/swagger-ui-init.js', '/docs/docs/swagger-ui-init.js'],
];
/** What the page consists of, from the folder of a package. */
const FILES = '/docs/*';

/** Serves a page to browse the document at /docs, and the document as YAML. Both are put together when they are first asked for. */
export function serveDocsPage(fastify: FastifyInstance, document: () => Promise<OpenAPIObject>): void {
  const page = onceMade(async () => pageOf(await document()));
  const answer = (path: string) => async (request: FastifyRequest, reply: FastifyReply) => {
    const handlers = await page();
    await handlers.get(path)?.(request, reply);
    return reply;
  };
  for (const path of PATHS) fastify.get(path, answer(path));
  fastify.route({ method: ['HEAD', 'GET'], url: FILES, handler: answer(FILES), errorHandler: endUnfinished });
}

/** The framework's own handlers, by their paths. */
async function pageOf(document: OpenAPIObject): Promise<ReadonlyMap<string, Handler>> {
  const { SwaggerModule } = await toldSwagger();
  const handlers = new Map<string, Handler>();
  let files: { readonly root: string } | undefined;
  const adapter = {
    getType: () => 'fastify',
    getRequestUrl: ({ url }: FastifyRequest) => url,
    get: (path: string, handler: Handler) => handlers.set(path, handler),
  };
  const recorder = {
    getHttpAdapter: () => adapter,
    useStaticAssets: (options: { readonly root: string }) => (files = options),
  };
  const options = { raw: ['yaml'] as 'yaml'[], customSiteTitle: 'orchestratord' };
  SwaggerModule.setup('docs', recorder as unknown as INestApplication, document, options);
  if (files) handlers.set(FILES, await fileHandler(files.root));
  const [odd] = [...handlers.keys()].filter(path => path !== FILES && !PATHS.includes(path));
  if (odd !== undefined) throw new Error(`the page at /docs has a path that no route is for: ${odd}`);
  return handlers;
}

/** The handler of the one route that @fastify/static adds. */
async function fileHandler(root: string): Promise<Handler> {
  const { default: serveFiles } = await import('@fastify/static');
  let handler: Handler | undefined;
  const recorder = { route: (options: RouteOptions) => void (handler = options.handler as Handler) };
  const options = { root, prefix: FILES.slice(0, -1), decorateReply: false };
  await (serveFiles as unknown as (fastify: unknown, options: object) => Promise<void>)(recorder, options);
  if (!handler) throw new Error('@fastify/static added no route');
  return handler;
}

/** A file that its reader did not wait for is no fault of ours. */
function endUnfinished(
  error: Error & { readonly code?: string },
  request: FastifyRequest,
  reply: FastifyReply,
): unknown {
  if (error.code === 'ERR_STREAM_PREMATURE_CLOSE') return request.raw.destroy();
  return request.server.errorHandler(error as FastifyError, request, reply);
}
