import { Injectable } from '@nestjs/common';
import { Lifecycle } from '../../meta/lifecycle';
import { Narrator } from '../../observability/narrator';
import { BindingsService } from '../../pools/bindings.service';
import { DrainService } from '../../pools/drain.service';
import { SessionStore } from '../../sessions/session-store.port';
import { Enqueuer } from '../admission/enqueuer';
import { TaskJournal } from '../journal/task-journal.port';
import { Restorer } from './restorer';

/** Brings back what the process before has left. Runs once, before the service is ready. */
@Injectable()
export class RecoveryService {
  constructor(
    private readonly journal: TaskJournal,
    private readonly sessions: SessionStore,
    private readonly bindings: BindingsService,
    private readonly drains: DrainService,
    private readonly enqueuer: Enqueuer,
    private readonly restorer: Restorer,
    private readonly lifecycle: Lifecycle,
    private readonly narrator: Narrator,
  ) {}

  /** Drains first, so that no pool is open meanwhile; then bindings, so that the tasks find their pools; in the order of their keys, so that places are as they were. */
  async run(): Promise<void> {
    const { live, sessions, bindings, drains, lastSeq } = await this.journal.recover();
    this.enqueuer.resumeAfter(lastSeq);
    for (const { sessionId, tokens, timeMs, cost, turns } of sessions) {
      await this.sessions.restore(sessionId, { tokens, timeMs, cost }, turns);
    }
    await this.drains.restore(drains);
    await this.bindings.restore(bindings);
    const counts = { queued: 0, ended: 0 };
    for (const record of live) counts[await this.restorer.restore(record)]++;
    this.lifecycle.ready();
    if (live.length === 0) return;
    this.narrator.tell(
      `Recovered ${live.length} tasks: ${counts.queued} are queued again, ${counts.ended} had sent tokens and were ended.`,
      { event: 'recovered', tasks_queued: counts.queued, tasks_ended: counts.ended },
    );
  }
}
