import { RouteConfig } from '@nestjs/platform-fastify';

/** What a worker says of itself, with room for escapes in its URL. */
const BODY_LIMIT_BYTES = 16 * 1024;

/** Marks a route that workers call: it needs the worker token in place of an API key. */
export const ForWorkers = (): MethodDecorator => RouteConfig({ workerToken: true, bodyLimitBytes: BODY_LIMIT_BYTES });
