import { register, type Metric } from 'prom-client';
import type { MetricDefinition } from './metric-catalogue';

/** A metric of the registry whose samples are made when somebody scrapes, from figures that are kept elsewhere. */
export class ScrapedMetric {
  readonly aggregator = 'sum';

  constructor(
    readonly name: string,
    private readonly definition: MetricDefinition,
    private readonly samples: () => readonly object[],
  ) {
    register.registerMetric(this as unknown as Metric);
  }

  /** What the registry asks each metric for. */
  async get(): Promise<object> {
    const { name, aggregator } = this;
    const { help, kind } = this.definition;
    return { name, help, type: kind, aggregator, values: this.samples() };
  }

  /** The figures are as old as the service. */
  reset(): void {}
}
