import { RouteConfig } from '@nestjs/platform-fastify';

/** Marks a GET whose HEAD would do the work of it (a stream would be opened); every other GET answers HEAD too. */
export const GetOnly = (): MethodDecorator => RouteConfig({ getOnly: true });
