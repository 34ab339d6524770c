import { Injectable } from '@nestjs/common';
import { SessionStore, type SessionStatus } from './session-store.port';

/** Sessions as clients see them. */
@Injectable()
export class SessionsService {
  constructor(private readonly store: SessionStore) {}

  /** Makes the session if it is missing. */
  async open(sessionId: string): Promise<SessionStatus> {
    return this.store.open(sessionId);
  }

  /** Forgets it with what it has spent, over a restart too; there may be none. */
  delete(sessionId: string): Promise<void> {
    return this.store.delete(sessionId);
  }
}
