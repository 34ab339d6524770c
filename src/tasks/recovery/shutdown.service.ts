import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import { Lifecycle } from '../../lifecycle/lifecycle';
import { Narrator } from '../../observability/narrator';
import { Clock } from '../../time/clock';
import { Dispatcher } from '../dispatch/dispatcher';
import { Finisher } from '../ending/finisher';
import { OwedTranscripts } from '../ending/owed-transcripts';
import { TaskLedger, type LiveTask } from '../ledger/task-ledger.port';
import { PaceKeeper } from '../prediction/pace-keeper';
import { OpenStreams } from '../stream/open-streams';

const LOOK_EVERY_MS = 50;
/** For transcripts that could not be stored before; should it not do, the next start tries. */
const LAST_TRY_MS = 1000;

/**
 * SIGTERM: unready at once, nothing more is started, running streams go on for the grace. After it those that have sent tokens
 * end with the restart's typed error; everything else stays in the journal for the next start.
 */
@Injectable()
export class ShutdownService {
  constructor(
    private readonly config: Config,
    private readonly lifecycle: Lifecycle,
    private readonly dispatcher: Dispatcher,
    private readonly ledger: TaskLedger,
    private readonly finisher: Finisher,
    private readonly transcripts: OwedTranscripts,
    private readonly streams: OpenStreams,
    private readonly paces: PaceKeeper,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  /** Comes before anything is torn down: adapters, timers and sockets must still work. */
  async drain(): Promise<void> {
    this.lifecycle.drain();
    this.dispatcher.stop();
    const running = this.running();
    this.narrator.tell(`Shutting down: ${running.length} tasks still run.`, {
      event: 'shutting_down',
      tasks_running: running.length,
    });
    const untilMs = this.clock.nowMs() + this.config.shutdownGraceMs;
    while (this.running().length > 0 && this.clock.nowMs() < untilMs) await pause(LOOK_EVERY_MS);
    await this.endShown();
    this.streams.endAll();
    await Promise.race([Promise.all([this.transcripts.storeAll(), this.paces.close()]), pause(LAST_TRY_MS)]);
    const left = await unlessAway(async () => [...(await this.ledger.live())].length);
    await this.ledger.close();
    const waiting = left === undefined ? 'what waits is where it was' : `${left} tasks wait for the next start`;
    this.narrator.tell(`Stopped; ${waiting}.`, { event: 'stopped', tasks_left: left });
  }

  private running(): readonly LiveTask[] {
    return [...this.ledger.running()];
  }

  private async endShown(): Promise<void> {
    const error = new ServiceError('ORCHESTRATOR_RESTARTED');
    const streaming = this.running().filter(task => task.state === 'streaming');
    await Promise.all(
      streaming.map(({ spec: { taskId } }) =>
        unlessAway(async () => this.finisher.cancel(taskId, { state: 'failed', error })),
      ),
    );
    // Those that have shown nothing are let go of; the ledger has them as they were admitted.
    this.ledger.abandonAll();
  }
}

/** Storage that is away is no reason not to stop: whoever finds it again goes on with what is there. */
async function unlessAway<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof ServiceError && thrown.code === 'STORAGE_UNAVAILABLE') return undefined;
    throw thrown;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
