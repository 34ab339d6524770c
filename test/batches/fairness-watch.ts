import { latencyOf, type Latency } from '../bench/figures';
import { ended, type BatchClient } from '../support/batch-client';

/** Requests at once while batches are made. */
const AT_ONCE = 16;
const LOOK_EVERY_MS = 200;

const PAGE = 1000;

interface SmallBatch {
  readonly madeMs: number;
  endedMs?: number;
}

/** How often the large batch came between the first line and the last of each small one, in the order of admission. */
interface Turns {
  readonly median: number;
  readonly most: number;
}

/** Makes many small batches beside a large one, sees when each ends, and in which order the lines of all were admitted. */
export class FairnessWatch {
  madeMs = 0;
  endedMs = 0;
  private readonly batches = new Map<string, SmallBatch>();
  private readonly startMs = performance.now();

  constructor(
    private readonly client: BatchClient,
    private readonly largeId: string,
    private readonly linesEach: number,
  ) {}

  async make(fileId: string, count: number): Promise<void> {
    for (let left = count; left > 0; left -= AT_ONCE) {
      const made = await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => this.client.create(fileId)));
      for (const { id } of made) this.batches.set(id, { madeMs: performance.now() });
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
  figures(): { waitedMs: Latency; evenness: number } {
    const waits = [...this.batches.values()].map(({ madeMs, endedMs = NaN }) => endedMs - madeMs);
    const rates = waits.map(waitMs => 1 / waitMs);
    const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
    return {
      waitedMs: latencyOf(waits),
      evenness: sum(rates) ** 2 / (rates.length * sum(rates.map(rate => rate * rate))),
    };
  }

  /** Reads the lines of all batches as the service has admitted them; those of the large one before the small ones are left out. */
  async turnsOfLarge(): Promise<Turns> {
    const first = new Map<string, number>();
    const last = new Map<string, number>();
    let ofLarge = 0;
    for (const batchId of await this.newestFirst()) {
      if (batchId === this.largeId) ofLarge++;
      if (!last.has(batchId)) last.set(batchId, ofLarge);
      first.set(batchId, ofLarge);
    }
    const between = [...this.batches.keys()]
      .map(id => (first.get(id) ?? NaN) - (last.get(id) ?? NaN))
      .sort((a, b) => a - b);
    return { median: between[Math.floor(between.length / 2)] ?? NaN, most: between.at(-1) ?? NaN };
  }

  /** The batch of each line, from the newest line back to the oldest of a small batch. */
  private async newestFirst(): Promise<string[]> {
    const batchOf: string[] = [];
    let smallLeft = this.batches.size * this.linesEach;
    for (let cursor: string | undefined; smallLeft > 0;) {
      const page = await this.client.tasks(cursor, PAGE);
      for (const { task_id: taskId } of page.items) {
        const batchId = taskId.slice(0, taskId.lastIndexOf('.'));
        batchOf.push(batchId);
        if (this.batches.has(batchId)) smallLeft--;
      }
      cursor = page.next_cursor;
      if (cursor === undefined) break;
    }
    if (smallLeft > 0) throw new Error(`${smallLeft} lines of small batches are not in the list of tasks`);
    return batchOf;
  }

  private async look(): Promise<void> {
    const over = new Set<string>();
    for (let after: string | undefined; ;) {
      const page = await this.client.list(after);
      for (const { id, status } of page.data) if (ended.includes(status)) over.add(id);
      after = page.data.at(-1)?.id;
      if (!page.has_more) break;
    }
    for (const [id, batch] of this.batches) {
      if (batch.endedMs !== undefined || !over.has(id)) continue;
      batch.endedMs = performance.now();
    }
  }
}
