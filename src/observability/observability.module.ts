import {
  Global,
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type Provider,
  type Type,
} from '@nestjs/common';
import {
  getToken,
  makeCounterProvider,
  makeGaugeProvider,
  PrometheusController,
  PrometheusModule,
} from '@willsoto/nestjs-prometheus';
import { register, type Counter, type Gauge } from 'prom-client';
import { HttpFigures } from './http-figures';
import type { Sample } from './latency-buckets';
import { LatencyFigures } from './latency-figures';
import { Logger } from './logger';
import { metricCatalogue, type MetricDefinition, type MetricName } from './metric-catalogue';
import { METRICS, MetricsService, type MetricsByName } from './metrics.service';
import { Narrator } from './narrator';
import { ScrapedMetric } from './scraped-metric';

const names = Object.keys(metricCatalogue) as MetricName[];

type HistogramName = {
  [Name in MetricName]: (typeof metricCatalogue)[Name]['kind'] extends 'histogram' ? Name : never;
}[MetricName];
type Scrape = (requests: HttpFigures, tasks: LatencyFigures) => Sample[];

/** Counted by ourselves, for they are on the way of every request or task; all histograms are. */
const scraped = {
  http_requests_total: requests => requests.counts(),
  http_request_duration_ms: requests => requests.durations('http_request_duration_ms'),
  latency_first_token_ms: (_, tasks) => tasks.samples('latency_first_token_ms'),
  latency_prompt_ms: (_, tasks) => tasks.samples('latency_prompt_ms'),
  latency_decode_ms: (_, tasks) => tasks.samples('latency_decode_ms'),
} satisfies Partial<Record<MetricName, Scrape>> & Record<HistogramName, Scrape>;

function isScraped(name: MetricName): name is keyof typeof scraped {
  return name in scraped;
}

function registered(name: MetricName): Provider {
  const { kind, help, labels }: MetricDefinition = metricCatalogue[name];
  if (isScraped(name)) {
    const scrape: Scrape = scraped[name];
    const make = (requests: HttpFigures, tasks: LatencyFigures): ScrapedMetric =>
      new ScrapedMetric(name, metricCatalogue[name], () => scrape(requests, tasks));
    return { provide: getToken(name), useFactory: make, inject: [HttpFigures, LatencyFigures] };
  }
  const options = { name, help, labelNames: [...labels] };
  return kind === 'counter' ? makeCounterProvider(options) : makeGaugeProvider(options);
}

const metricsByName: Provider = {
  provide: METRICS,
  useFactory: (...metrics: (Counter | Gauge)[]) => new Map(names.map((name, index) => [name, metrics[index]])),
  inject: names.map(name => getToken(name)),
};

/** Metrics, log lines and narration, for everybody. Every metric is registered here, before anything counts. */
@Global()
@Module({})
export class ObservabilityModule implements OnApplicationShutdown {
  constructor(
    @Inject(METRICS) private readonly metrics: MetricsByName,
    counts: MetricsService,
    logger: Logger,
  ) {
    counts.logLinesDroppedFrom(() => logger.dropped);
  }

  /** The registry is the process's: a service that is started next in it must not find our counts. After the last scrape. */
  onApplicationShutdown(): void {
    const isStillOurs = names.some(name => register.getSingleMetric(name) === this.metrics.get(name));
    if (isStillOurs) register.clear();
  }

  /** @param controller answers `GET /metrics` */
  static with(logger: Logger, controller: Type = PrometheusController): DynamicModule {
    return {
      module: ObservabilityModule,
      imports: [PrometheusModule.register({ controller })],
      providers: [
        { provide: Logger, useValue: logger },
        Narrator,
        HttpFigures,
        LatencyFigures,
        ...names.map(registered),
        metricsByName,
        MetricsService,
      ],
      exports: [HttpFigures, Logger, Narrator, MetricsService],
    };
  }
}
