import { Injectable } from '@nestjs/common';
import { TaskJournal } from '../tasks/journal/task-journal.port';
import { SessionStore, type SessionView } from './session-store.port';

/** Sessions as clients see them. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly store: SessionStore,
    private readonly journal: TaskJournal,
  ) {}

  /** Makes the session if it is missing. */
  open(sessionId: string): Promise<SessionView> {
    return this.store.open(sessionId);
  }

  /** Forgets it with what it has spent, over a restart too; there may be none. */
  async delete(sessionId: string): Promise<void> {
    await this.store.delete(sessionId);
    await this.journal.forgetSession(sessionId);
  }
}
