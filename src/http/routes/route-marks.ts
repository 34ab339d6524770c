import { SetMetadata } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Set by @Public(): the route needs no API key. */
    public?: boolean;
    /** Set by @ForWorkers(): the route needs the worker token in place of an API key. */
    workerToken?: boolean;
    /** Largest body of the route, where it is below that of all routes. */
    bodyLimitBytes?: number;
    /** Set by @Administrative(): what the route does, as the log names it. */
    act?: string;
    /** Set by @GetOnly(): a HEAD is not allowed. */
    getOnly?: boolean;
    /** Set by @JsonTextBody(): the handler gets the body as JsonText, not as the value. */
    jsonText?: boolean;
    /** Set by @FormBody(): the handler reads the body itself. */
    form?: boolean;
  }
}

/** Marks a route that needs no API key (probes, metrics, and routes with a credential of their own). */
export const Public = (): MethodDecorator & ClassDecorator => RouteConfig({ public: true });

/** What a worker says of itself, with room for escapes in its URL. */
const WORKER_BODY_LIMIT_BYTES = 16 * 1024;

/** Marks a route that workers call: it needs the worker token in place of an API key. */
export const ForWorkers = (): MethodDecorator =>
  RouteConfig({ workerToken: true, bodyLimitBytes: WORKER_BODY_LIMIT_BYTES });

/** Marks a route that changes what the service works with: each use of it is a line in the log, see Audit. */
export const Administrative = (act: string): MethodDecorator => RouteConfig({ act });

/** Marks a GET whose HEAD would do the work of it (a stream would be opened); every other GET answers HEAD too. */
export const GetOnly = (): MethodDecorator => RouteConfig({ getOnly: true });

/** Marks a route whose handler gets the body as JsonText: any JSON, however many members it has, not made into objects yet. */
export const JsonTextBody = (): MethodDecorator => RouteConfig({ jsonText: true });

/** Marks a route whose body is multipart/form-data: its handler reads it as it comes, bounds it, and watches that it goes on. */
export const FormBody = (): MethodDecorator => RouteConfig({ form: true });

export const CORRELATES_ITSELF = 'correlates itself';

/** Marks a controller whose services put the ids of a request on their log lines as fields, so that its work is not followed. */
export const CorrelatesItself = (): ClassDecorator => SetMetadata(CORRELATES_ITSELF, true);
