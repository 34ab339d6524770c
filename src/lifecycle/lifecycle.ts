import { Injectable } from '@nestjs/common';
import { ServiceError } from '../errors/service-error';

const RETRY_STARTING_MS = 1000;
const RETRY_DRAINING_MS = 5000;

/** Whether the service takes work: not yet, now, or no more. Readiness and admission both ask here. */
@Injectable()
export class Lifecycle {
  private current: 'starting' | 'ready' | 'draining' = 'starting';
  private settleStarted = (): void => undefined;
  /** Resolves once recovery is through. */
  readonly started = new Promise<void>(resolve => (this.settleStarted = resolve));

  private settleDraining = (): void => undefined;
  /** Resolves once it takes no more work. */
  readonly draining = new Promise<void>(resolve => (this.settleDraining = resolve));

  /** Recovery is through. A service that drains already stays so. */
  ready(): void {
    if (this.current === 'starting') this.current = 'ready';
    this.settleStarted();
  }

  /** Between recovery and shutdown: all that is stored is at hand. */
  get isReady(): boolean {
    return this.current === 'ready';
  }

  /** @throws ServiceError NOT_READY before recovery is through */
  assertStarted(): void {
    if (this.current === 'starting') throw new ServiceError('NOT_READY', { retryAfterMs: RETRY_STARTING_MS });
  }

  /** @throws ServiceError NOT_READY or SHUTTING_DOWN while no work is taken */
  assertReady(): void {
    this.assertStarted();
    if (this.current === 'draining') throw new ServiceError('SHUTTING_DOWN', { retryAfterMs: RETRY_DRAINING_MS });
  }

  /** Takes no more work; there is no way back. */
  drain(): void {
    this.current = 'draining';
    this.settleDraining();
  }
}
