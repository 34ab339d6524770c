import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { Narrator } from '../../observability/narrator';
import { Clock } from '../../time/clock';

/** Names beyond these are forgotten, the longest unseen first; and of so many at once it is said that lines wait for them. */
const NAMES_MAX = 1000;

/**
 * When lines of batches have last found their models. An engine that starts again, or registers again because the service did, takes its models along for a
 * while: lines wait that long for them, for what fails in a batch is not sent again by anybody.
 */
@Injectable()
export class ModelSightings {
  private readonly startedAtMs: number;
  /** By the monotonic clock, by name; what was seen last is at the end. */
  private readonly seenAtMs = new Map<string, number>();
  /** It was said that lines wait for these. */
  private readonly told = new Set<string>();

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {
    this.startedAtMs = clock.nowMs();
  }

  seen(model: string): void {
    this.told.delete(model);
    this.seenAtMs.delete(model);
    this.seenAtMs.set(model, this.clock.nowMs());
    if (this.seenAtMs.size > NAMES_MAX) this.seenAtMs.delete(this.seenAtMs.keys().next().value as string);
  }

  /**
   * Whether a model that nobody has now is to be waited for: it was there `ORCHD_BATCH_MODEL_WAIT_MS` ago or later, or could not be seen before then.
   * @param sinceMs when this node began to ask, where that was for what another process had begun
   */
  isAwaited(model: string, sinceMs = this.startedAtMs): boolean {
    const seenAtMs = this.seenAtMs.get(model) ?? this.startedAtMs;
    const leftMs = Math.max(seenAtMs, sinceMs) + this.config.batchModelWaitMs - this.clock.nowMs();
    if (leftMs <= 0) {
      this.told.delete(model);
      return false;
    }
    if (!this.told.has(model) && this.told.size < NAMES_MAX) {
      this.told.add(model);
      const human = `Lines of batches wait for the model \`${model}\`, which no engine has; they fail in ${Math.ceil(leftMs / 1000)} s where none brings it.`;
      this.narrator.warn(human, { event: 'batch_model_away', model });
    }
    return true;
  }
}
