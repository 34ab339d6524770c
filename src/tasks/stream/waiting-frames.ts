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
      concatMap(() => this.frame(taskId)),
      takeWhile(frame => frame !== false),
      filter(frame => frame !== undefined),
    );
  }

  /** False once it waits no more; undefined while it waits to be tried again: then it has no place. */
  private async frame(taskId: string): Promise<string | false | undefined> {
    const task = await this.ledger.find(taskId);
    if (task?.state !== 'queued' || task.isEnding) return false;
    const position = await this.ledger.position(taskId);
    if (position === undefined) return undefined;
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
        predicted_start: predictedStartOf(predictedStart),
        human,
        prep: task.facts.preparation,
      }),
    );
  }
}
