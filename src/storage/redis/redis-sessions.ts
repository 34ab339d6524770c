import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { SessionStore, type SessionStatus } from '../../sessions/session-store.port';
import { Store } from './connection/store';
import { deleteSessionScript, openSessionScript } from './scripts/session-scripts';
import { budgetOf, sessionOf } from './task-fields';

/** Sessions of all nodes: a hash each. */
@Injectable()
export class RedisSessions extends SessionStore {
  constructor(
    private readonly config: Config,
    private readonly store: Store,
  ) {
    super();
  }

  async open(sessionId: string): Promise<SessionStatus> {
    const { sessionTtlMs, sessionsMax } = this.config;
    return sessionOf(
      sessionId,
      await this.store.run(openSessionScript, sessionId, sessionTtlMs, sessionsMax),
      budgetOf(this.config),
    );
  }

  async delete(sessionId: string): Promise<void> {
    await this.store.runDurably(deleteSessionScript, sessionId);
  }
}
