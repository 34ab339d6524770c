import { Global, Module, type DynamicModule, type Provider } from '@nestjs/common';
import {
  getToken,
  makeCounterProvider,
  makeGaugeProvider,
  makeHistogramProvider,
  PrometheusModule,
} from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { Logger } from './logger';
import { latencyBucketsMs, metricCatalogue, type MetricDefinition, type MetricName } from './metric-catalogue';
import { MetricsController } from './metrics.controller';
import { METRICS, MetricsService } from './metrics.service';
import { Narrator } from './narrator';

const names = Object.keys(metricCatalogue) as MetricName[];

function registered(name: MetricName): Provider {
  const { kind, help, labels }: MetricDefinition = metricCatalogue[name];
  const options = { name, help, labelNames: [...labels] };
  switch (kind) {
    case 'counter':
      return makeCounterProvider(options);
    case 'gauge':
      return makeGaugeProvider(options);
    case 'histogram':
      return makeHistogramProvider({ ...options, buckets: latencyBucketsMs });
  }
}

const metricsByName: Provider = {
  provide: METRICS,
  useFactory: (...metrics: (Counter | Gauge | Histogram)[]) =>
    new Map(names.map((name, index) => [name, metrics[index]])),
  inject: names.map(name => getToken(name)),
};

/** Metrics, log lines and narration, for everybody. Every metric is registered here, before anything counts. */
@Global()
@Module({})
export class ObservabilityModule {
  static with(logger: Logger): DynamicModule {
    return {
      module: ObservabilityModule,
      imports: [PrometheusModule.register({ controller: MetricsController })],
      providers: [
        { provide: Logger, useValue: logger },
        Narrator,
        ...names.map(registered),
        metricsByName,
        MetricsService,
      ],
      exports: [Logger, Narrator, MetricsService],
    };
  }
}
