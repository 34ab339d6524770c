import { latencyBucketsMs } from './metric-catalogue';

/** One sample of a metric, in the library's form. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
}

/** One series of a histogram. Counted here, for an observation takes the library some microseconds. */
export class LatencyBuckets {
  /** By bucket; the last is of what took longer than all bounds. */
  private readonly counts = new Array<number>(latencyBucketsMs.length + 1).fill(0);
  private sumMs = 0;

  observe(ms: number): void {
    this.sumMs += ms;
    let at = 0;
    while (at < latencyBucketsMs.length && ms > (latencyBucketsMs[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + 1;
  }

  /** As the library shows a histogram: each bucket has those below it too. None where nothing was observed. */
  samples(name: string, labels: Sample['labels']): Sample[] {
    let upTo = 0;
    const buckets = this.counts.map((count, at) => {
      const le = latencyBucketsMs[at] ?? '+Inf';
      return { labels: { le, ...labels }, value: (upTo += count), metricName: `${name}_bucket` };
    });
    if (upTo === 0) return [];
    return [
      ...buckets,
      { labels, value: this.sumMs, metricName: `${name}_sum` },
      { labels, value: upTo, metricName: `${name}_count` },
    ];
  }
}
