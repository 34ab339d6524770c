import type { RunningService } from '../support/service';

/** For so long the service gathers events before it hands them to the thread that copies them, and a little more for the grain of timers. */
const GATHERED_MS = 60;
const LOOK_EVERY_MS = 20;
const LOOKS_AT_ONCE = 8;

/**
 * Finds out by steps which events are copied, so that a busy machine only makes the answer older. A lookup goes through the thread that
 * copies, after all that was handed to it before. So when a look begins, what a client had received by then is gathered or handed over; when
 * its first lookup is answered, the timer runs that hands over what is gathered; a lookup that is asked for when that time is over
 * is handled in the same turn as the timer, or in a later one; and one after it stands behind the copy.
 */
export class CopiesWatch {
  private copiedMs = -Infinity;
  private looks = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly service: RunningService) {
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  /** By the clock of `performance.now()`: what clients of this process had received by then is copied. */
  end(): number {
    clearInterval(this.timer);
    return this.copiedMs;
  }

  private async look(): Promise<void> {
    if (this.looks === LOOKS_AT_ONCE) return;
    this.looks++;
    const startMs = performance.now();
    try {
      await this.lookUp();
      await new Promise(resolve => setTimeout(resolve, GATHERED_MS));
      await this.lookUp();
      await this.lookUp();
      this.copiedMs = Math.max(this.copiedMs, startMs);
    } catch {
      return; // Its service was killed.
    } finally {
      this.looks--;
    }
  }

  private async lookUp(): Promise<void> {
    const { status } = await this.service.request('GET', '/v2/tasks/no-such-task');
    if (status !== 404) throw new Error(`a lookup was answered ${status}`);
  }
}
