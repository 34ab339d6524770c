import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { Clock } from '../../time/clock';
import { TaskAccounts } from '../accounts/task-accounts';
import { Finisher } from '../ending/finisher';
import { TaskJournal, type JournalRecord } from '../journal/task-journal.port';
import { Enrolment } from '../live/enrolment';
import { LiveTask } from '../live/live-task';
import { LiveTasks } from '../live/live-tasks';
import { queueEntryOf } from '../queue/queue-entry';
import { EventLog } from '../stream/event-log.port';
import { seqAfterInterruption } from '../task';

/** Brings one task of the process before back: to its place in the queue, or to its end. */
@Injectable()
export class Restorer {
  constructor(
    private readonly journal: TaskJournal,
    private readonly log: EventLog,
    private readonly live: LiveTasks,
    private readonly enrolment: Enrolment,
    private readonly finisher: Finisher,
    private readonly accounts: TaskAccounts,
    private readonly clock: Clock,
  ) {}

  /** Resolves to what became of the task. */
  async restore(record: JournalRecord): Promise<'queued' | 'ended'> {
    const { spec, facts } = record;
    const { session } = await this.accounts.reserve(spec);
    const leftMs = facts.admittedAtMs + spec.deadlineMs - this.clock.wallMs();
    const task = new LiveTask(
      spec,
      facts,
      queueEntryOf(spec, facts),
      session.remaining,
      // A clock that was set back must not make a deadline longer than it was.
      this.clock.nowMs() + Math.min(leftMs, spec.deadlineMs),
    );
    if (!record.firstTokenMarked) {
      await this.enrolment.restore(task);
      return 'queued';
    }
    await this.endInterrupted(task, record);
    return 'ended';
  }

  /**
   * Output of it may have been seen, so it is never run again; what was copied of it stays readable before its end. The end's
   * number leaves a gap, for a reader may have seen up to 100 ms more than was copied.
   */
  private async endInterrupted(task: LiveTask, record: JournalRecord): Promise<void> {
    const events = await this.journal.readEvents(task.id);
    this.log.open(task.id, events);
    task.events = events.length;
    task.terminalSeq = seqAfterInterruption(events.length);
    task.tokens = events.filter(event => event.type === 'token').length;
    task.placement = record.placement;
    task.attempts = 1;
    this.live.add(task);
    await this.finisher.finish(task, { state: 'failed', error: new ServiceError('ORCHESTRATOR_RESTARTED') });
  }
}
