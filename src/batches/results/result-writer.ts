import { LeaseLost } from '../../records/record-lease';
import type { Narrator } from '../../observability/narrator';
import type { ResultFile } from './result-file';

/** So long after storage has failed it is tried again. */
const RETRY_MS = 1000;
/** Characters appended at once. */
const STEP_CHARS = 4 * 1024 * 1024;

interface Entry {
  readonly text: string;
  readonly durable: () => void;
}

/**
 * Adds lines to a result file as they come: those that come while others are being synced share the next sync. Storage that fails is tried
 * again for as long as it takes; what waits is bounded by who adds no more before it is durable.
 */
export class ResultWriter {
  private readonly waiting: Entry[] = [];
  private writing: Promise<void> | undefined;
  private isClosed = false;
  private isLost = false;

  constructor(
    private readonly file: ResultFile,
    private readonly narrator: Narrator,
    /** Another node writes it from now on. */
    private readonly onLost: () => void,
  ) {}

  /** Resolves once it is durable, or the file is another node's; never, where the writer is closed before that. */
  add(text: string): Promise<void> {
    if (this.isLost) return Promise.resolve();
    return new Promise(resolve => {
      this.waiting.push({ text, durable: resolve });
      this.writing ??= this.write();
    });
  }

  /** Resolves once nothing is being written any more. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.writing;
  }

  /** Never rejects. */
  private async write(): Promise<void> {
    // What comes in the same turn is written with it.
    await Promise.resolve();
    let isFailing = false;
    while (this.waiting.length > 0) {
      const step = this.step();
      try {
        await this.file.append(step.map(({ text }) => text));
      } catch (thrown) {
        if (thrown instanceof LeaseLost) return this.lose();
        if (this.isClosed) return;
        if (!isFailing) {
          const human = 'Results of a batch cannot be written; it is tried again every second.';
          this.narrator.warn(human, { event: 'batch_not_written', file_id: this.file.id }, thrown);
        }
        isFailing = true;
        await new Promise(resolve => setTimeout(resolve, RETRY_MS).unref());
        continue;
      }
      isFailing = false;
      if (this.isLost) return;
      this.waiting.splice(0, step.length);
      for (const { durable } of step) durable();
    }
    // Not a step later: what comes then begins the next.
    this.writing = undefined;
  }

  /** Writes nothing from now on. */
  lose(): void {
    if (this.isLost) return;
    this.isLost = this.isClosed = true;
    for (const { durable } of this.waiting.splice(0)) durable();
    this.onLost();
  }

  private step(): readonly Entry[] {
    let chars = 0;
    const end = this.waiting.findIndex(({ text }) => (chars += text.length) > STEP_CHARS);
    return this.waiting.slice(0, end < 0 ? undefined : Math.max(1, end));
  }
}
