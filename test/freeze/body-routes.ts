import { createInProcess } from '../support/in-process';

export interface BodyRoute {
  readonly method: string;
  /** With an id in place of each parameter. */
  readonly path: string;
  /** Names of the fields that it knows, from its schema; some of no route where it has none. */
  readonly fields: readonly string[];
}

interface Schemas {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly properties?: object }>> };
}

interface Operation {
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>>;
  };
}

const METHODS_WITH_BODY = ['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'];

/** Every route whose request may have a body, as the router has them. */
export async function bodyRoutes(): Promise<BodyRoute[]> {
  const service = await createInProcess();
  try {
    const found: { method: string; url: string }[] = [];
    const fastify = service.app.getHttpAdapter().getInstance();
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat()) if (METHODS_WITH_BODY.includes(each)) found.push({ method: each, url });
    });
    await service.app.init();
    const document = (await service.app.inject({ method: 'GET', url: '/openapi.json' })).json<Schemas>();
    return found.map(({ method, url }) => ({
      method,
      path: url.replace(/:[a-z]+/gi, 'x'),
      fields: fieldsOf(document, method, url),
    }));
  } finally {
    await service.close();
  }
}

function fieldsOf({ paths, components }: Schemas, method: string, url: string): readonly string[] {
  const operation = paths[url.replace(/:([a-z]+)/gi, '{$1}')]?.[method.toLowerCase()];
  const schema = operation?.requestBody?.content['application/json']?.schema.$ref?.split('/').at(-1);
  const fields = Object.keys(components.schemas[schema ?? '']?.properties ?? {});
  return fields.length > 0 ? fields : ['a', 'b'];
}
