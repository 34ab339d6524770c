import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import { Lifecycle } from '../../lifecycle/lifecycle';
import { Narrator } from '../../observability/narrator';
import { BindingsService } from '../../pools/bindings/bindings.service';
import { EngineSightings } from '../../pools/bindings/engine-sightings';
import { DrainService } from '../../pools/operations/drain.service';
import { Dispatcher } from '../dispatch/dispatcher';
import { Finisher } from '../ending/finisher';
import { OwedTranscripts } from '../ending/owed-transcripts';
import { JournalStart } from '../journal/journal-start';
import { TaskLedger, type LiveTask } from '../ledger/task-ledger.port';
import { PaceKeeper } from '../prediction/pace-keeper';
import { EventLog } from '../events/event-log.port';
import { seqAfterInterruption } from '../task/task';

/** Brings back what the process before has left. Runs once, before the service is ready. */
@Injectable()
export class RecoveryService {
  constructor(
    private readonly start: JournalStart,
    private readonly bindings: BindingsService,
    private readonly drains: DrainService,
    private readonly sightings: EngineSightings,
    private readonly paces: PaceKeeper,
    private readonly ledger: TaskLedger,
    private readonly log: EventLog,
    private readonly dispatcher: Dispatcher,
    private readonly finisher: Finisher,
    private readonly transcripts: OwedTranscripts,
    private readonly lifecycle: Lifecycle,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Drains first, so that no pool is open meanwhile; then bindings, so that the tasks find their pools; then everybody's place; only
   * then is anything started.
   */
  async run(): Promise<void> {
    const { bindings, drains, notes } = await this.start.recovered();
    await this.sightings.restore();
    this.paces.restore(notes);
    await this.drains.restore(drains);
    await this.bindings.restore(bindings);
    const { queued, interrupted } = await this.ledger.adopt();
    for (const { spec } of this.ledger.live()) this.log.open(spec.taskId);
    for (const task of interrupted) await this.endInterrupted(task);
    this.dispatcher.begin();
    await this.narrator.attend(this.transcripts.resume(), 'Transcripts that are owed could not be looked up.', {
      event: 'transcripts_not_resumed',
    });
    this.lifecycle.ready();
    const count = queued + interrupted.length;
    if (count === 0) return;
    this.narrator.tell(
      `Recovered ${count} tasks: ${queued} are queued again, ${interrupted.length} had sent tokens and were ended.`,
      { event: 'recovered', tasks_queued: queued, tasks_ended: interrupted.length },
    );
  }

  /**
   * Output of it may have been seen, so it is never run again; what was copied of it stays readable before its end. The end's
   * number leaves a gap, for a reader may have seen up to 100 ms more than was copied.
   */
  private async endInterrupted({ spec: { taskId }, shown }: LiveTask): Promise<void> {
    const events = await this.log.kept(taskId);
    this.log.open(taskId, events);
    shown.terminalSeq = seqAfterInterruption(events.length);
    // How many tokens a delta stood for is not kept: one, mostly.
    shown.tokens = events.filter(({ type }) => type === 'token' || type === 'delta').length;
    await this.finisher.cancel(taskId, { state: 'failed', error: new ServiceError('ORCHESTRATOR_RESTARTED') });
  }
}
