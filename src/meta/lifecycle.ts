import { Injectable } from '@nestjs/common';

export type LifecycleState = 'starting' | 'ready' | 'draining';

/** Whether the service takes work: not yet, now, or no more. Readiness and admission both ask here. */
@Injectable()
export class Lifecycle {
  private current: LifecycleState = 'starting';

  get state(): LifecycleState {
    return this.current;
  }

  /** Recovery is through. A service that drains already stays so. */
  ready(): void {
    if (this.current === 'starting') this.current = 'ready';
  }

  drain(): void {
    this.current = 'draining';
  }
}
