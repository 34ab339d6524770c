import { Injectable } from '@nestjs/common';

export type LifecycleState = 'starting' | 'ready' | 'draining';

/** Whether the service takes work: not yet, now, or no more. Readiness and admission both ask here. */
@Injectable()
export class Lifecycle {
  private current: LifecycleState = 'starting';
  private settleStarted = (): void => undefined;
  /** Resolves once recovery is through. */
  readonly started = new Promise<void>(resolve => (this.settleStarted = resolve));

  get state(): LifecycleState {
    return this.current;
  }

  /** Recovery is through. A service that drains already stays so. */
  ready(): void {
    if (this.current === 'starting') this.current = 'ready';
    this.settleStarted();
  }

  drain(): void {
    this.current = 'draining';
  }
}
