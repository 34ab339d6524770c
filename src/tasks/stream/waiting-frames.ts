import { Injectable } from '@nestjs/common';
import { concatMap, filter, takeWhile, timer, type Observable } from 'rxjs';
import { PlacementService } from '../../pools/placement/placement.service';
import { RunningTime } from '../../time/running-time';
import { TaskLedger } from '../ledger/task-ledger.port';
import { predictedStartOf } from '../task/parts.view';
import { StartForecasts } from '../prediction/start-forecasts';
import { passingFrame } from '../events/sse-frame';
import { canonicalJson } from '../events/task-events';

const EVERY_MS = 1000;

/** For readers with `verbose=true`: where the task stands while it waits. */
@Injectable()
export class WaitingFrames {
  constructor(
    private readonly ledger: TaskLedger,
    private readonly placement: PlacementService,
    private readonly forecasts: StartForecasts,
    private readonly runningTime: RunningTime,
  ) {}

  /** A frame at once and then every second; completes when the task waits no more. */
  of(taskId: string): Observable<string> {
    return timer(0, EVERY_MS).pipe(
      takeWhile(() => this.waits(taskId)),
      concatMap(() => this.frame(taskId)),
      filter(frame => frame !== undefined),
    );
  }

  private waits(taskId: string): boolean {
    const task = this.ledger.find(taskId);
    return task?.state === 'queued' && !task.isEnding;
  }

  private async frame(taskId: string): Promise<string | undefined> {
    const task = this.ledger.find(taskId);
    const position = await this.ledger.position(taskId);
    if (!task || position === undefined) return undefined;
    const { predictedStartMs, predictedStart } = this.forecasts.tell(task.spec, {
      ahead: await this.ledger.aheadOf(taskId),
      overtakenForMs: Math.max(0, task.facts.orderKey - this.runningTime.nowMs()),
      isHeldUp: this.placement.assess(task.spec.constraints).needsLoad,
    });
    const human = position === 0 ? 'Next in the queue.' : `${position} tasks go before this one.`;
    return passingFrame(
      'metrics',
      canonicalJson({
        queue_position: position,
        predicted_start_ms: predictedStartMs,
        ...predictedStartOf(predictedStart),
        human,
        prep: task.facts.preparation,
      }),
    );
  }
}
