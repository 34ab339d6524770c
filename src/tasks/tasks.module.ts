import { Module } from '@nestjs/common';
import { ArtifactsModule } from '../artifacts/artifacts.module';
import { CatalogModule } from '../catalog/catalog.module';
import { EnginesModule } from '../engines/engines.module';
import { LifecycleModule } from '../meta/lifecycle.module';
import { PoolsModule } from '../pools/pools.module';
import { SessionsModule } from '../sessions/sessions.module';
import { MemoryEventLog } from '../storage/memory/event-log.memory';
import { SessionBudgets } from './accounts/session-budgets';
import { TaskAccounts } from './accounts/task-accounts';
import { AdmissionRules } from './admission/admission-rules';
import { AdmissionService } from './admission/admission.service';
import { Backoff } from './admission/backoff';
import { Enqueuer } from './admission/enqueuer';
import { KnownTasks } from './admission/known-tasks';
import { Offers } from './admission/offers';
import { StartPredictor } from './admission/start-predictor';
import { Attempts } from './dispatch/attempts';
import { DispatchSignal } from './dispatch/dispatch-signal';
import { Dispatcher } from './dispatch/dispatcher';
import { Fallback } from './dispatch/fallback';
import { OutputStage } from './dispatch/output-stage';
import { Retries } from './dispatch/retries';
import { Canceller } from './ending/canceller';
import { EndingLedger } from './ending/ending-ledger';
import { Finisher } from './ending/finisher';
import { TaskReporter } from './ending/task-reporter';
import { JournalModule } from './journal/journal.module';
import { Enrolment } from './live/enrolment';
import { LiveTasks } from './live/live-tasks';
import { TaskLookup } from './lookup/task-lookup';
import { QueueGauge } from './queue/queue-gauge';
import { QueueModule } from './queue/queue.module';
import { RecoveryService } from './recovery/recovery.service';
import { Restorer } from './recovery/restorer';
import { RetentionService } from './recovery/retention.service';
import { ShutdownService } from './recovery/shutdown.service';
import { EventLog } from './stream/event-log.port';
import { OpenStreams } from './stream/open-streams';
import { Readers } from './stream/readers';
import { StreamLookup } from './stream/stream-lookup';
import { StreamService } from './stream/stream.service';
import { StreamTurns } from './stream/stream-turns';
import { WaitingFrames } from './stream/waiting-frames';
import { TasksController } from './tasks.controller';

/** The way of a task, in its order: admission, dispatch, ending, stream; then what brings it over a restart. */
@Module({
  imports: [
    ArtifactsModule,
    CatalogModule,
    EnginesModule,
    JournalModule,
    LifecycleModule,
    PoolsModule,
    QueueModule,
    SessionsModule,
  ],
  controllers: [TasksController],
  providers: [
    { provide: EventLog, useClass: MemoryEventLog },
    LiveTasks,
    TaskLookup,
    Enrolment,
    QueueGauge,
    ...[TaskAccounts, SessionBudgets],
    ...[AdmissionService, AdmissionRules, KnownTasks, Offers, Enqueuer, StartPredictor, Backoff],
    ...[DispatchSignal, Dispatcher, Attempts, Retries, OutputStage, Fallback],
    ...[Finisher, EndingLedger, TaskReporter, Canceller],
    ...[StreamLookup, StreamService, OpenStreams, Readers, StreamTurns, WaitingFrames],
    ...[RecoveryService, Restorer, RetentionService, ShutdownService],
  ],
  exports: [RecoveryService, ShutdownService],
})
export class TasksModule {}
