import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Config } from '../../config/config';
import { Lifecycle } from '../../lifecycle/lifecycle';
import { MetricsService } from '../../observability/metrics.service';
import { Narrator } from '../../observability/narrator';
import { Clock } from '../../time/clock';
import type { FileLine } from '../lines/line-splitter';
import type { BatchRun } from './batch-run';
import { LineWork, type LineOutcome } from './line-work';
import { Places } from './places';

/** Room that others have left, and pauses that are over, are noticed within this time. */
const LOOK_EVERY_MS = 200;

/**
 * Gives lines of all open batches to the queue, a bounded number at once. Each place goes to the batch that has the fewest lines under way,
 * among equals to the one that had no turn for the longest: none waits for another to end.
 */
@Injectable()
export class LineFeeder implements OnModuleInit, OnModuleDestroy {
  private readonly runs = new Set<BatchRun>();
  private running = 0;
  private arriving = 0;
  private turn = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    private readonly work: LineWork,
    private readonly places: Places,
    private readonly lifecycle: Lifecycle,
    private readonly metrics: MetricsService,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => this.feed(), LOOK_EVERY_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
    this.runs.clear();
  }

  /** From now on its lines run; until {@link remove}. */
  add(run: BatchRun): void {
    this.runs.add(run);
    run.fedSinceMs = this.clock.nowMs();
    this.feed();
  }

  remove(run: BatchRun): void {
    this.runs.delete(run);
  }

  private feed(): void {
    if (!this.lifecycle.isReady || this.runs.size === 0) return;
    while (this.places.free(this.running, this.arriving) > 0) {
      const run = this.next();
      if (!run) return;
      run.lastTurn = ++this.turn;
      void this.narrator.attend(this.begin(run), 'A line of a batch could not be run.', { event: 'batch_line_lost' });
    }
  }

  private next(): BatchRun | undefined {
    const nowMs = this.clock.nowMs();
    let next: BatchRun | undefined;
    for (const run of this.runs) {
      if (run.stop || run.isBehind || !run.hasMoreAt(nowMs)) continue;
      if (run.underWay >= this.config.batchLinesAtOnceEach) continue;
      if (!next || run.underWay < next.underWay || (run.underWay === next.underWay && run.lastTurn < next.lastTurn))
        next = run;
    }
    return next;
  }

  private async begin(run: BatchRun): Promise<void> {
    run.underWay++;
    this.running++;
    this.arriving++;
    let isArriving = true;
    const settled = (): void => {
      if (isArriving) this.arriving--;
      isArriving = false;
    };
    let line: FileLine | undefined;
    try {
      line = await run.take(this.clock.nowMs());
      if (run.isLost) return;
      if (line && !run.stop) await this.runLine(run, line, settled);
      else if (line) run.putBack(line);
    } catch (thrown) {
      if (line) run.putBack(line);
      run.pausedUntilMs = this.clock.nowMs() + LOOK_EVERY_MS;
      throw thrown;
    } finally {
      settled();
      run.underWay--;
      this.running--;
      run.look();
      this.feed();
    }
  }

  private async runLine(run: BatchRun, line: FileLine, settled: () => void): Promise<void> {
    const outcome = await this.work.run(line, {
      batch: run.batch,
      isResumed: run.isResumed,
      fedSinceMs: run.fedSinceMs,
      endsAtMs: run.endsAtMs,
      tasks: run.tasks,
      get stop() {
        return run.stop;
      },
      settled: () => {
        settled();
        this.feed();
      },
      decided: model => run.tryNext(model, this.clock.nowMs()),
    });
    if (run.isLost) return;
    if (outcome.kind === 'later' && outcome.model !== undefined) {
      run.wait(outcome.model, line, this.clock.nowMs(), outcome.afterMs);
      return;
    }
    if (outcome.kind === 'later') {
      run.pausedUntilMs = this.clock.nowMs() + outcome.afterMs;
      run.putBack(line);
      return;
    }
    const fields = { event: 'batch_line_lost', batch_id: run.batch.id };
    // Its place is another's while it is being written.
    void this.narrator.attend(this.record(run, line, outcome), 'A result of a batch was not written.', fields);
  }

  private async record(run: BatchRun, line: FileLine, { customId, taskId, result }: DoneLine): Promise<void> {
    await run.record(line, customId, taskId, result);
    if (run.isLost) return;
    this.metrics.batchLine(result.kind);
    run.look();
    if (!run.isBehind) this.feed();
  }
}

type DoneLine = Extract<LineOutcome, { kind: 'done' }>;
