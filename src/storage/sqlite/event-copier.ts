import type { TaskEvent } from '../../tasks/task/task';
import { encodeRun } from './tables/event-lines';
import type { EventBatch } from './tables/protocol';

/** How old a copied event can get before it is handed over. With the way to the file, and a busy machine, it stays under 100 ms. */
const FLUSH_MS = 50;
/** Text that may wait while the disk stalls; what comes beyond is not copied. */
const WAITING_MAX_UNITS = 32 * 1024 * 1024;

/** Gathers events of live tasks and hands them over in batches, one at a time. Called for every token, so it only adds to a text. */
export class EventCopier {
  private readonly live = new Set<string>();
  private text = '';
  private readonly taskIds = new Set<string>();
  private dropped: string[] = [];
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;

  /** @param send must not reject */
  constructor(private readonly send: (batch: EventBatch) => Promise<void>) {}

  admit(taskId: string): void {
    this.live.add(taskId);
  }

  /** Events of the task are of no use any more: what is copied goes, what comes is ignored. */
  drop(taskId: string): void {
    this.live.delete(taskId);
    this.dropped.push(taskId);
    this.arm();
  }

  copy(taskId: string, firstSeq: number, events: readonly TaskEvent[]): void {
    if (!this.live.has(taskId) || this.text.length > WAITING_MAX_UNITS) return;
    this.text += encodeRun(taskId, firstSeq, events);
    this.taskIds.add(taskId);
    this.arm();
  }

  /** Resolves when all that was copied so far is handed over. */
  async flush(): Promise<void> {
    while (this.sending) await this.sending;
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.isWaiting()) return;
    this.sending = this.send({ text: this.text, taskIds: [...this.taskIds], dropped: this.dropped });
    this.text = '';
    this.taskIds.clear();
    this.dropped = [];
    await this.sending;
    this.sending = undefined;
    if (this.isWaiting()) this.arm();
  }

  private isWaiting(): boolean {
    return this.text !== '' || this.dropped.length > 0;
  }

  private arm(): void {
    if (this.timer || this.sending) return;
    this.timer = setTimeout(() => void this.flush(), FLUSH_MS);
  }
}
