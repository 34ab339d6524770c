import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { Narrator } from '../../observability/narrator';
import { PlacementService } from '../../pools/placement/placement.service';
import { TaskLedger, type Claim } from '../ledger/task-ledger.port';
import { Attempts } from './attempts';

/**
 * Claims tasks for free slots, whenever a task arrives, a slot frees, or a pool changes, and starts them. It never waits for a
 * reader: work starts as soon as it can.
 */
@Injectable()
export class Dispatcher implements OnModuleDestroy {
  private wakes: Subscription | undefined;
  private running = false;
  private again = false;
  private stopped = false;

  constructor(
    private readonly ledger: TaskLedger,
    private readonly placement: PlacementService,
    private readonly attempts: Attempts,
    private readonly narrator: Narrator,
  ) {}

  onModuleDestroy(): void {
    this.stop();
  }

  /** From here on tasks are started. */
  begin(): void {
    // Emitting on wake$ makes one pass; emissions during a pass make one more after it.
    this.wakes ??= this.ledger.wake$.subscribe(() => this.wake());
    this.wake();
  }

  /** Starts nothing more; what runs goes on. */
  stop(): void {
    this.stopped = true;
    this.wakes?.unsubscribe();
  }

  /** Starts a task that was claimed, also one that was with its admission. */
  start(claim: Claim): void {
    this.placement.countPlaced(claim.spec.constraints);
    this.attempts.start(claim);
  }

  private wake(): void {
    this.again = true;
    if (this.running || this.stopped) return;
    this.running = true;
    this.pass();
  }

  /** In one go for as long as the ledger answers at once. */
  private pass(): void {
    try {
      while (this.again && !this.stopped) {
        this.again = false;
        for (let claim = this.ledger.claim(); claim; claim = this.ledger.claim()) {
          if (claim instanceof Promise) {
            this.await(claim);
            return;
          }
          this.start(claim);
        }
      }
    } catch (cause) {
      this.fail(cause);
    }
    this.running = false;
  }

  private await(later: Promise<Claim | undefined>): void {
    later
      .then(claim => {
        this.again ||= claim !== undefined;
        if (claim) this.start(claim);
      })
      .catch((cause: unknown) => this.fail(cause))
      .finally(() => this.pass());
  }

  private fail(cause: unknown): void {
    this.narrator.fail('A dispatch pass failed; the next one goes on.', { event: 'dispatch_failed' }, cause);
  }
}
