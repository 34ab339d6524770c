import { Injectable } from '@nestjs/common';
import { LabelBounds, type Labels } from './label-bounds';
import { LatencyBuckets, type Sample } from './latency-buckets';
import type { ServedBy } from './served-by';
import { TupleMap } from './tuple-map';

/** The histograms that tasks are observed in. */
type Latency = 'latency_first_token_ms' | 'latency_prompt_ms' | 'latency_decode_ms';

interface Series {
  readonly labels: Labels;
  readonly buckets: LatencyBuckets;
}

/** Keys that are remembered with their series; with one more all are forgotten, and each is looked up by its labels again. */
const REMEMBERED_MAX = 1024;

/** How long tasks took, by who served them and their priority. */
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
  /** By their labels, which are bounded. */
  private readonly all = new Map<string, Series>();
  /** By what they were observed under, which is not: several keys may have the series of `other`. */
  private readonly remembered = new TupleMap<Series>();

  observe({ engine, engineVersion, poolId }: ServedBy, priority: string, ms: number): void {
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered.take();
    const find = (): Series => this.seriesOf({ engine, engine_version: engineVersion, pool_id: poolId, priority });
    this.remembered.getOrMake([engine, engineVersion, poolId, priority], find).buckets.observe(ms);
  }

  series(): readonly Series[] {
    return [...this.all.values()];
  }

  private seriesOf(unbounded: Labels): Series {
    const labels = this.bounds.bound(unbounded);
    const key = JSON.stringify(labels);
    let series = this.all.get(key);
    if (!series) this.all.set(key, (series = { labels, buckets: new LatencyBuckets() }));
    return series;
  }
}
