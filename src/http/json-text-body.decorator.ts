import { RouteConfig } from '@nestjs/platform-fastify';

/** Marks a route whose handler gets the body as JsonText: any JSON, however many members it has, not made into objects yet. */
export const JsonTextBody = (): MethodDecorator => RouteConfig({ jsonText: true });
