import { Injectable } from '@nestjs/common';
import { LabelBounds, type Labels } from './label-bounds';
import { LatencyBuckets, type Sample } from './latency-buckets';
import type { MetricName } from './metric-catalogue';
import type { ServedBy } from './served-by';
import { ValueTree } from './value-tree';

/** The histograms that tasks are observed in. */
export const latencies = ['latency_first_token_ms', 'latency_prompt_ms', 'latency_decode_ms'] as const;
export type Latency = (typeof latencies)[number] & MetricName;

interface Series {
  readonly labels: Labels;
  readonly buckets: LatencyBuckets;
}

/** Series that are found by what they were observed under, at most: more are found by their labels. */
const KNOWN_MAX = 1024;

/** What tasks took, by who served them and their priority. */
@Injectable()
export class LatencyFigures {
  private readonly histograms: Readonly<Record<Latency, Histogram>> = {
    latency_first_token_ms: new Histogram(),
    latency_prompt_ms: new Histogram(),
    latency_decode_ms: new Histogram(),
  };

  observe(name: Latency, by: ServedBy, priority: string, ms: number): void {
    this.histograms[name].observe(by, priority, ms);
  }

  samples(name: Latency): Sample[] {
    return this.histograms[name].series().flatMap(({ labels, buckets }) => buckets.samples(name, labels));
  }
}

class Histogram {
  private readonly bounds = new LabelBounds();
  /** By their labels. */
  private readonly all = new Map<string, Series>();
  private readonly known = new ValueTree<Series>();

  observe({ engine, engineVersion, poolId }: ServedBy, priority: string, ms: number): void {
    if (this.known.size >= KNOWN_MAX) this.known.take();
    const make = (): Series => this.made({ engine, engine_version: engineVersion, pool_id: poolId, priority });
    this.known.of([engine, engineVersion, poolId, priority], make).buckets.observe(ms);
  }

  series(): readonly Series[] {
    return [...this.all.values()];
  }

  private made(asked: Labels): Series {
    const labels = this.bounds.bound(asked);
    const key = JSON.stringify(labels);
    let series = this.all.get(key);
    if (!series) this.all.set(key, (series = { labels, buckets: new LatencyBuckets() }));
    return series;
  }
}
