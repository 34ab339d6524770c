import { Injectable } from '@nestjs/common';
import { ArtifactStore } from '../../artifacts/artifact-store.port';
import { asServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Alarms, type Alarm } from '../../time/alarms';
import type { TaskEvent } from '../task/task';
import { transcriptOf } from '../transcript/transcript';

/** How long an ending waits for its transcript to be stored. */
const PATIENCE_MS = 1000;
/** Five seconds of running in all, counted in steps: a process that stood still has not waited meanwhile. */
const STEPS = 10;
const STEP_MS = 500;

/** Stores transcripts, before the endings that name them: an ending that is on disk names one that is on disk. */
@Injectable()
export class Transcripts {
  constructor(
    private readonly artifacts: ArtifactStore,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Resolves to the transcript's id; to undefined when it could not be stored, or takes too long. Never rejects.
   * @param hasUnseen some of it nobody has seen: where other nodes ask for it, it would be nowhere that they look, and gone with this node
   */
  async store(taskId: string, events: readonly TaskEvent[], hasUnseen = false): Promise<string | undefined> {
    const transcript = await transcriptOf(events);
    const put = (): Promise<void> => this.artifacts.put(transcript, 'transcript', taskId);
    const stored = (hasUnseen && this.artifacts.isShared ? this.surely(put) : put()).then(
      () => true,
      (cause: unknown) => {
        const human = 'A transcript could not be stored yet; it is tried again.';
        this.narrator.warn(human, { event: 'transcript_delayed', job_id: taskId }, cause);
        return false;
      },
    );
    const isStored = await (hasUnseen && this.artifacts.isShared
      ? this.withinSteps(stored)
      : this.withinPatience(stored));
    return isStored ? transcript.id : undefined;
  }

  /** Again for as long as storage only cannot be reached. */
  private async surely(put: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await put();
      } catch (thrown) {
        const isAway = asServiceError(thrown).code === 'STORAGE_UNAVAILABLE';
        if (!isAway || attempt === STEPS) throw thrown;
        await new Promise<void>(resolve => this.alarms.after(STEP_MS, resolve));
      }
    }
  }

  private async withinSteps(work: Promise<boolean>): Promise<boolean> {
    let isOver = false;
    const steps = async (): Promise<false> => {
      for (let step = 0; step < STEPS && !isOver; step++)
        await new Promise<void>(resolve => this.alarms.after(STEP_MS, resolve));
      return false;
    };
    const first = await Promise.race([work, steps()]);
    isOver = true;
    return first;
  }

  private async withinPatience(work: Promise<boolean>): Promise<boolean> {
    let alarm: Alarm | undefined;
    const patience = new Promise<false>(resolve => (alarm = this.alarms.after(PATIENCE_MS, () => resolve(false))));
    const first = await Promise.race([work, patience]);
    alarm?.cancel();
    return first;
  }
}
