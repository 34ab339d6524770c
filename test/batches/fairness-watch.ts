import { latencyOf, type Latency } from '../bench/figures';
import { ended, type BatchClient } from '../support/batch-client';

/** Requests at once while batches are made. */
const AT_ONCE = 16;
const LOOK_EVERY_MS = 200;

interface SmallBatch {
  readonly madeMs: number;
  /** Lines of the large one that had ended when it was made. */
  readonly largeBefore: number;
  endedMs?: number;
  largeAfter?: number;
}

/** Makes many small batches beside a large one, and sees when each ends and what the large one got meanwhile. */
export class FairnessWatch {
  madeMs = 0;
  endedMs = 0;
  private readonly batches = new Map<string, SmallBatch>();
  private readonly startMs = performance.now();

  constructor(
    private readonly client: BatchClient,
    private readonly largeId: string,
  ) {}

  async make(fileId: string, count: number): Promise<void> {
    for (let left = count; left > 0; left -= AT_ONCE) {
      const largeBefore = await this.largeDone();
      const made = await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => this.client.create(fileId)));
      for (const { id } of made) this.batches.set(id, { madeMs: performance.now(), largeBefore });
    }
    this.madeMs = performance.now() - this.startMs;
  }

  async untilAllEnded(deadlineMs: number): Promise<void> {
    const endMs = performance.now() + deadlineMs;
    while ([...this.batches.values()].some(({ endedMs }) => endedMs === undefined)) {
      if (performance.now() > endMs) throw new Error(`not all batches have ended within ${deadlineMs} ms`);
      await this.look();
      await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS));
    }
    this.endedMs = performance.now() - this.startMs;
  }

  /** `evenness`: Jain's index of what each got a second; 1 where all got the same, 1/n where one got everything. */
  figures(): { waitedMs: Latency; linesOfLarge: { median: number; most: number }; evenness: number } {
    const all = [...this.batches.values()];
    const waits = all.map(({ madeMs, endedMs = NaN }) => endedMs - madeMs);
    const ofLarge = all.map(({ largeBefore, largeAfter = NaN }) => largeAfter - largeBefore).sort((a, b) => a - b);
    const rates = waits.map(waitMs => 1 / waitMs);
    const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
    return {
      waitedMs: latencyOf(waits),
      linesOfLarge: { median: ofLarge[Math.floor(ofLarge.length / 2)] ?? NaN, most: ofLarge.at(-1) ?? NaN },
      evenness: sum(rates) ** 2 / (rates.length * sum(rates.map(rate => rate * rate))),
    };
  }

  private async look(): Promise<void> {
    const over = new Set<string>();
    for (let after: string | undefined; ;) {
      const page = await this.client.list(after);
      for (const { id, status } of page.data) if (ended.includes(status)) over.add(id);
      after = page.data.at(-1)?.id;
      if (!page.has_more) break;
    }
    const largeAfter = await this.largeDone();
    for (const [id, batch] of this.batches) {
      if (batch.endedMs !== undefined || !over.has(id)) continue;
      batch.endedMs = performance.now();
      batch.largeAfter = largeAfter;
    }
  }

  private async largeDone(): Promise<number> {
    return (await this.client.get(this.largeId)).request_counts.completed;
  }
}
