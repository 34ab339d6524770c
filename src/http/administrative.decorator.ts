import { RouteConfig } from '@nestjs/platform-fastify';

/** Marks a route that changes what the service works with: each use of it is a line in the log, see Audit. */
export const Administrative = (act: string): MethodDecorator => RouteConfig({ act });
