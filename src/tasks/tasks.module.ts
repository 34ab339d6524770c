import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module';
import { EnginesModule } from '../engines/engines.module';
import { LifecycleModule } from '../lifecycle/lifecycle.module';
import { HttpModule } from '../http/http.module';
import { PoolsModule } from '../pools/pools.module';
import { SessionsModule } from '../sessions/sessions.module';
import { SessionBudgets } from './lookup/session-budgets';
import { AdmissionRules } from './admission/admission-rules';
import { AdmissionService } from './admission/admission.service';
import { Backoff } from './queue/backoff';
import { Refusals } from './admission/refusals';
import { Attempts } from './dispatch/attempts';
import { Dispatcher } from './dispatch/dispatcher';
import { Fallback } from './dispatch/fallback';
import { FallbackPolicy } from './dispatch/fallback-policy';
import { ModelFaults } from './dispatch/model-faults';
import { OutputStage } from './dispatch/output-stage';
import { Retries } from './dispatch/retries';
import { AskedEndings } from './ending/asked-endings';
import { StartBounds } from './dispatch/start-bounds';
import { Canceller } from './ending/canceller';
import { Deadlines } from './ending/deadlines';
import { Finisher } from './ending/finisher';
import { OwedTranscripts } from './ending/owed-transcripts';
import { TaskReporter } from './ending/task-reporter';
import { Transcripts } from './ending/transcripts';
import { TaskLookup } from './lookup/task-lookup';
import { PaceKeeper } from './prediction/pace-keeper';
import { StartForecasts } from './prediction/start-forecasts';
import { QueueGauge } from './queue/queue-gauge';
import { RecoveryService } from './recovery/recovery.service';
import { RetentionService } from './recovery/retention.service';
import { ShutdownService } from './recovery/shutdown.service';
import { EndWaits } from './result/end-waits';
import { OutputReader } from './result/output-reader';
import { TaskResults } from './result/task-results';
import { OpenStreams } from './stream/open-streams';
import { Readers } from './stream/readers';
import { StreamLookup } from './stream/stream-lookup';
import { StreamService } from './stream/stream.service';
import { StreamTurns } from './stream/stream-turns';
import { WaitingFrames } from './stream/waiting-frames';
import { TasksController } from './tasks.controller';

/** The way of a task, in its order: admission, dispatch, ending, stream; then what brings it over a restart. */
@Module({
  imports: [CatalogModule, EnginesModule, HttpModule, LifecycleModule, PoolsModule, SessionsModule],
  controllers: [TasksController],
  providers: [
    TaskLookup,
    QueueGauge,
    SessionBudgets,
    ...[AdmissionService, AdmissionRules, Refusals, Backoff],
    ...[StartForecasts, PaceKeeper],
    ...[Dispatcher, Attempts, Retries, ModelFaults, OutputStage, Fallback, FallbackPolicy, StartBounds],
    ...[Finisher, Transcripts, OwedTranscripts, TaskReporter, Canceller, Deadlines, AskedEndings],
    ...[StreamLookup, StreamService, OpenStreams, Readers, StreamTurns, WaitingFrames],
    ...[TaskResults, EndWaits, OutputReader],
    ...[RecoveryService, RetentionService, ShutdownService],
  ],
  exports: [
    ...[RecoveryService, ShutdownService],
    ...[
      AdmissionService,
      Canceller,
      Finisher,
      Fallback,
      FallbackPolicy,
      StartBounds,
      OpenStreams,
      Readers,
      StreamLookup,
      StreamTurns,
    ],
  ],
})
export class TasksModule {}
