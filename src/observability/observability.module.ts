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
import { latencies, LatencyFigures, type Latency } from './latency-figures';
import { Logger } from './logger';
import { metricCatalogue, type MetricDefinition, type MetricName } from './metric-catalogue';
import { METRICS, MetricsService, type MetricsByName } from './metrics.service';
import { Narrator } from './narrator';
import { ScrapedMetric } from './scraped-metric';

const names = Object.keys(metricCatalogue) as MetricName[];

/** Counted by themselves, for they are on the way of every request. */
const scraped = {
  http_requests_total: (figures: HttpFigures) => figures.counts(),
  http_request_duration_ms: (figures: HttpFigures) => figures.durations('http_request_duration_ms'),
} as const;

function isLatency(name: MetricName): name is Latency {
  return (latencies as readonly string[]).includes(name);
}

function isScraped(name: MetricName): name is keyof typeof scraped {
  return name in scraped;
}

function registered(name: MetricName): Provider {
  const { kind, help, labels }: MetricDefinition = metricCatalogue[name];
  if (isScraped(name)) {
    const make = (figures: HttpFigures): ScrapedMetric =>
      new ScrapedMetric(name, metricCatalogue[name], () => scraped[name](figures));
    return { provide: getToken(name), useFactory: make, inject: [HttpFigures] };
  }
  if (isLatency(name)) {
    const make = (figures: LatencyFigures): ScrapedMetric =>
      new ScrapedMetric(name, metricCatalogue[name], () => figures.samples(name));
    return { provide: getToken(name), useFactory: make, inject: [LatencyFigures] };
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
