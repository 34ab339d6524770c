import { RouteConfig } from '@nestjs/platform-fastify';

/** Marks a route that needs no API key (probes, metrics, and routes with a credential of their own). */
export const Public = (): MethodDecorator & ClassDecorator => RouteConfig({ public: true });
