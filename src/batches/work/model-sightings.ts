import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { Narrator } from '../../observability/narrator';
import { Clock } from '../../time/clock';

/** Names beyond these are forgotten, the longest unseen first. */
const NAMES_MAX = 1000;

interface Sighting {
  /** By the monotonic clock. */
  readonly atMs: number;
  /** It has been said that lines wait for it. */
  isToldAway: boolean;
}

/**
 * When lines of batches have last found their models. An engine that starts again, or registers again because the service did, takes its models along for a
 * while: lines wait that long for them, for what fails in a batch is not sent again by anybody.
 */
@Injectable()
export class ModelSightings {
  private readonly startedAtMs: number;
  /** By name; what was seen last is at the end. */
  private readonly sightings = new Map<string, Sighting>();

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly narrator: Narrator,
  ) {
    this.startedAtMs = clock.nowMs();
  }

  seen(model: string): void {
    this.set(model, { atMs: this.clock.nowMs(), isToldAway: false });
  }

  /**
   * Whether a model that nobody has now is to be waited for: it was there `ORCHD_BATCH_MODEL_WAIT_MS` ago or later, or could not be seen before then.
   * @param sinceMs when this node began to ask, where that was for what another process had begun
   */
  isAwaited(model: string, sinceMs = this.startedAtMs): boolean {
    const sighting = this.sightings.get(model) ?? { atMs: this.startedAtMs, isToldAway: false };
    const endMs = Math.max(sighting.atMs, sinceMs) + this.config.batchModelWaitMs;
    const leftMs = endMs - this.clock.nowMs();
    if (leftMs <= 0) return false;
    if (!sighting.isToldAway) {
      this.set(model, { ...sighting, isToldAway: true });
      const human = `Lines of batches wait for the model \`${model}\`, which no engine has; they fail in ${Math.ceil(leftMs / 1000)} s where none brings it.`;
      this.narrator.warn(human, { event: 'batch_model_away', model });
    }
    return true;
  }

  private set(model: string, sighting: Sighting): void {
    this.sightings.delete(model);
    this.sightings.set(model, sighting);
    if (this.sightings.size <= NAMES_MAX) return;
    const [eldest] = this.sightings.keys();
    this.sightings.delete(eldest as string);
  }
}
