import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { TaskJournal } from '../tasks/journal/task-journal.port';
import { ForgottenSessions } from './forgotten-sessions.port';
import { SessionStore, type SessionView } from './session-store.port';

/** Sessions as clients see them; what the journal keeps of a session goes with it, whatever ended it. */
@Injectable()
export class SessionsService implements OnModuleInit, OnModuleDestroy {
  private forgotten: Subscription | undefined;

  constructor(
    private readonly store: SessionStore,
    private readonly forgottenSessions: ForgottenSessions,
    private readonly journal: TaskJournal,
  ) {}

  onModuleInit(): void {
    // Called at once, without waiting: the journal keeps the order of calls, and the same id may be a session again.
    this.forgotten = this.forgottenSessions.forgotten$.subscribe(sessionId => void this.forgetUsage(sessionId));
  }

  onModuleDestroy(): void {
    this.forgotten?.unsubscribe();
  }

  /** Makes the session if it is missing. */
  open(sessionId: string): Promise<SessionView> {
    return this.store.open(sessionId);
  }

  /** Forgets it with what it has spent, over a restart too; there may be none. */
  async delete(sessionId: string): Promise<void> {
    await this.store.delete(sessionId);
    await this.journal.forgetSession(sessionId);
  }

  private async forgetUsage(sessionId: string): Promise<void> {
    try {
      await this.journal.forgetSession(sessionId);
    } catch {
      // Storage fails and says so by itself. The next start brings the session back, and it lapses again.
    }
  }
}
