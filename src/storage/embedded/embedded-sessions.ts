import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { SessionStore, type SessionStatus } from '../../sessions/session-store.port';
import { TaskJournal } from '../../tasks/journal/task-journal.port';
import { SessionBook } from './session-book';

/** The sessions of this process; what the journal keeps of a session goes with it, whatever ended it. */
@Injectable()
export class EmbeddedSessions extends SessionStore implements OnModuleInit, OnModuleDestroy {
  private forgotten: Subscription | undefined;

  constructor(
    private readonly book: SessionBook,
    private readonly journal: TaskJournal,
  ) {
    super();
  }

  onModuleInit(): void {
    // Called at once, without waiting: the journal keeps the order of calls, and the same id may be a session again.
    this.forgotten = this.book.forgotten$.subscribe(sessionId => void this.forgetUsage(sessionId));
  }

  onModuleDestroy(): void {
    this.forgotten?.unsubscribe();
  }

  open(sessionId: string): SessionStatus {
    return this.book.open(sessionId);
  }

  async delete(sessionId: string): Promise<void> {
    this.book.delete(sessionId);
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
