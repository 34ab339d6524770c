import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Lifecycle } from '../../lifecycle/lifecycle';
import { Narrator } from '../../observability/narrator';
import { BindingsService } from '../../pools/bindings/bindings.service';
import { EngineSightings } from '../../pools/bindings/engine-sightings';
import { DrainService } from '../../pools/operations/drain.service';
import { SharedPools } from '../../pools/operations/shared-pools';
import { PoolStore } from '../../pools/registry/pool-store.port';
import { Dispatcher } from '../dispatch/dispatcher';
import { Finisher } from '../ending/finisher';
import { OwedTranscripts } from '../ending/owed-transcripts';
import { TaskLedger, type LiveTask } from '../ledger/task-ledger.port';
import { PaceKeeper } from '../prediction/pace-keeper';
import { EventLog } from '../events/event-log.port';
import { seqAfterInterruption, type TaskSpec } from '../task/task';

/** Brings back what the process before has left, before the service is ready; from then on what other nodes leave that are no more. */
@Injectable()
export class RecoveryService implements OnModuleDestroy {
  private interrupted: Subscription | undefined;

  constructor(
    private readonly config: Config,
    private readonly pools: PoolStore,
    private readonly bindings: BindingsService,
    private readonly drains: DrainService,
    private readonly shared: SharedPools,
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

  onModuleDestroy(): void {
    this.interrupted?.unsubscribe();
  }

  /**
   * Drains first, so that no pool is open meanwhile; then bindings, so that the tasks find their pools; then everybody's place; only
   * then is anything started.
   */
  async run(): Promise<void> {
    const { bindings, drains } = await this.pools.recovered();
    await this.sightings.restore();
    await this.paces.restore();
    await this.drains.restore(drains);
    await this.bindings.restore(bindings);
    this.shared.begin();
    const { queued, interrupted } = await this.ledger.adopt();
    for (const { spec } of [...queued, ...interrupted]) this.log.open(spec.taskId);
    for (const task of interrupted) await this.endInterrupted(task);
    for (const { spec } of queued) await this.endUnattended(spec);
    this.interrupted = this.ledger.interrupted$.subscribe(task => void this.attend(task));
    this.dispatcher.begin();
    await this.narrator.attend(this.transcripts.resume(), 'Transcripts that are owed could not be looked up.', {
      event: 'transcripts_not_resumed',
    });
    this.lifecycle.ready();
    const count = queued.length + interrupted.length;
    if (count === 0) return;
    this.narrator.tell(
      `Recovered ${count} tasks: ${queued.length} are queued again, ${interrupted.length} had sent tokens and were ended.`,
      { event: 'recovered', tasks_queued: queued.length, tasks_ended: interrupted.length },
    );
  }

  /** It waited for a request that went with the process. On a shared store that may still wait, at another node. */
  private async endUnattended({ taskId, onDisconnect }: TaskSpec): Promise<void> {
    if (onDisconnect !== 'end' || this.config.store.kind !== 'embedded') return;
    await this.finisher.cancel(taskId, { state: 'cancelled', error: new ServiceError('CANCELLED') }, 'disconnect');
  }

  private attend(task: LiveTask): Promise<void> {
    const fields = { event: 'interrupted_not_ended', job_id: task.spec.taskId };
    return this.narrator.attend(
      this.endInterrupted(task),
      'A task of a node that is no more could not be ended.',
      fields,
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
