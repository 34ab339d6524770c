import { Injectable } from '@nestjs/common';
import { LatencyBuckets, type Sample } from './latency-buckets';

/** What requests of one method to one route came to: counted here, for a counter of the library costs a microsecond each time. */
export class RouteFigures {
  private readonly statuses = new Map<number, number>();
  private readonly buckets = new LatencyBuckets();

  constructor(
    private readonly route: string,
    private readonly method: string,
  ) {}

  observe(status: number, ms: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    this.buckets.observe(ms);
  }

  counts(): Sample[] {
    const { route, method } = this;
    return [...this.statuses].map(([status, value]) => ({ labels: { route, method, status }, value }));
  }

  durations(name: string): Sample[] {
    return this.buckets.samples(name, { route: this.route, method: this.method });
  }
}

/** Of one path, by method. */
export class PathFigures {
  private readonly methods = new Map<string, RouteFigures>();

  constructor(private readonly route: string) {}

  of(method: string): RouteFigures {
    let figures = this.methods.get(method);
    if (!figures) this.methods.set(method, (figures = new RouteFigures(this.route, method)));
    return figures;
  }

  all(): Iterable<RouteFigures> {
    return this.methods.values();
  }
}

const usualMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const UNMATCHED = 'unmatched';

/** Requests by route, which is the route's own path (`/v2/tasks/{id}`) and never what was sent. */
@Injectable()
export class HttpFigures {
  private readonly paths = new Map<string, PathFigures>();
  private readonly none = new PathFigures(UNMATCHED);

  /** @param url of a route, as the router has it: `/v2/tasks/:id` */
  path(url: string): PathFigures {
    const route = url.replace(/:(\w+)/g, '{$1}');
    let figures = this.paths.get(route);
    if (!figures) this.paths.set(route, (figures = new PathFigures(route)));
    return figures;
  }

  /** All paths that no route has are one, and so are methods that nobody uses. */
  unmatched(method: string): RouteFigures {
    return this.none.of(usualMethods.has(method) ? method : 'other');
  }

  counts(): Sample[] {
    return this.all().flatMap(figures => figures.counts());
  }

  durations(name: string): Sample[] {
    return this.all().flatMap(figures => figures.durations(name));
  }

  private all(): RouteFigures[] {
    return [...this.paths.values(), this.none].flatMap(path => [...path.all()]);
  }
}
