import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Config } from '../../config/config';
import { Lifecycle } from '../../lifecycle/lifecycle';
import { Narrator } from '../../observability/narrator';
import { RunningTime } from '../../time/running-time';
import { TaskRecords } from '../ledger/task-records.port';

const EVERY_MS = 500;
/** Small steps, so that the journal's thread is never kept from an admission for long. */
const STEP = 100;

/** Forgets ended tasks once their retention is over, while the journal is open. */
@Injectable()
export class RetentionService {
  private running = false;
  private failing = false;

  constructor(
    private readonly config: Config,
    private readonly records: TaskRecords,
    private readonly runningTime: RunningTime,
    private readonly lifecycle: Lifecycle,
    private readonly narrator: Narrator,
  ) {}

  @Interval(EVERY_MS)
  async forgetExpired(): Promise<void> {
    if (this.running || !this.lifecycle.isReady) return;
    this.running = true;
    try {
      const keptBeforeMs = this.runningTime.nowMs() - this.config.taskRetentionMs;
      // A full step means that there is more: forgetting must keep up with admitting.
      while (this.lifecycle.isReady && (await this.records.expire(keptBeforeMs, STEP)) === STEP);
      this.failing = false;
    } catch (cause) {
      if (!this.lifecycle.isReady) return; // The journal was closed meanwhile.
      this.tellOnce(cause);
    } finally {
      this.running = false;
    }
  }

  private tellOnce(cause: unknown): void {
    if (this.failing) return;
    this.failing = true;
    const human = 'Ended tasks cannot be removed from the journal; it is tried again every half second.';
    this.narrator.warn(human, { event: 'retention_failed' }, cause);
  }
}
