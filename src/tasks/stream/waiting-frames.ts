import { Injectable } from '@nestjs/common';
import { concatMap, filter, takeWhile, timer, type Observable } from 'rxjs';
import { PlacementService } from '../../pools/placement.service';
import { StartPredictor } from '../admission/start-predictor';
import type { LiveTask } from '../live/live-task';
import { TaskQueue } from '../queue/task-queue.port';
import { passingFrame } from './sse-frame';
import { canonicalJson } from './task-events';

const EVERY_MS = 1000;

/** For readers with `verbose=true`: where the task stands while it waits. */
@Injectable()
export class WaitingFrames {
  constructor(
    private readonly queue: TaskQueue,
    private readonly placement: PlacementService,
    private readonly predictor: StartPredictor,
  ) {}

  /** A frame at once and then every second; completes when the task waits no more. */
  of(task: LiveTask): Observable<string> {
    return timer(0, EVERY_MS).pipe(
      takeWhile(() => task.state === 'queued' && !task.ending),
      concatMap(() => this.frame(task)),
      filter(frame => frame !== undefined),
    );
  }

  private async frame(task: LiveTask): Promise<string | undefined> {
    const place = await this.queue.position(task.id);
    if (!place) return undefined;
    const { slotsTotal, slotsFree } = await this.placement.assess(task.spec.constraints);
    const predictedStartMs = this.predictor.predictMs(place.lanePosition, slotsTotal, slotsFree);
    const human = place.position === 0 ? 'Next in the queue.' : `${place.position} tasks go before this one.`;
    return passingFrame(
      'metrics',
      canonicalJson({
        queue_position: place.position,
        predicted_start_ms: predictedStartMs,
        human,
        prep: task.facts.preparation,
      }),
    );
  }
}
