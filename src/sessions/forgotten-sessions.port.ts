import type { Observable } from 'rxjs';

/**
 * Which sessions the store has forgotten by itself, so that what is kept of them elsewhere can go with them. A store that
 * forgets implements this beside the store's own port.
 */
export abstract class ForgottenSessions {
  /**
   * Ids of sessions whose time to live ended, or that made room for others; told as it happens, before the same id can
   * be a new session. Not those that were deleted, nor those that never settled a task. Never errors.
   */
  abstract readonly forgotten$: Observable<string>;
}
