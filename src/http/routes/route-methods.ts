import type { FastifyInstance, RouteOptions } from 'fastify';

interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** Which methods each path has, told by the router as its routes are added. */
export class RouteMethods {
  private readonly paths = new Map<string, KnownPath>();

  /** Before any route is added. */
  constructor(fastify: FastifyInstance) {
    fastify.addHook('onRoute', route => this.learn(route));
  }

  /**
   * In the order of the alphabet; none where no route has this path. OPTIONS is answered wherever there is another one. A path that is a
   * route's word for word is that one alone, whatever pattern it may fit.
   */
  allowedAt(target: string): readonly string[] {
    const path = pathOf(target);
    if (path === undefined) return [];
    const itself = this.paths.get(path);
    const known = itself ? [itself] : [...this.paths.values()].filter(({ pattern }) => pattern.test(path));
    const methods = new Set(known.flatMap(each => [...each.methods]));
    return methods.size === 0 ? [] : [...methods.add('OPTIONS')].sort();
  }

  private learn({ url, method, config }: RouteOptions): void {
    let path = this.paths.get(url);
    if (!path) this.paths.set(url, (path = { pattern: patternOf(url), methods: new Set() }));
    for (const each of [method].flat()) {
      if (each !== 'HEAD' || config?.getOnly !== true) path.methods.add(each);
    }
  }
}

/** A path as the router sees it; undefined for one that it cannot read. */
function pathOf(target: string): string | undefined {
  try {
    return decodeURI(target.split('?', 1)[0] ?? '');
  } catch {
    return undefined;
  }
}

/** `:name` stands for one segment, `*` for the rest. Runs in the length of the path. */
function patternOf(url: string): RegExp {
  const segments = url.split('/').map(segment => {
    if (segment.startsWith(':')) return '[^/]+';
    return segment === '*' ? '.*' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${segments.join('/')}$`, 's');
}
