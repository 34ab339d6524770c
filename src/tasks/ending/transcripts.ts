import { Injectable } from '@nestjs/common';
import { ArtifactStore, type CanonicalDocument } from '../../artifacts/artifact-store.port';
import { asServiceError } from '../../errors/service-error';
import { Narrator } from '../../observability/narrator';
import { Alarms, type Alarm } from '../../time/alarms';
import type { TaskEvent } from '../task/task';
import type { StoringTranscript } from '../task/storing-transcript';
import { transcriptOf } from '../transcript/transcript';

/** How long an ending waits for its transcript to be stored, in steps: a process that stood still has not waited meanwhile. */
const STEP_MS = 500;
const STEPS = 2;
/** Steps, or tries, where it would be nowhere else. */
const MOST_STEPS = 10;

/** Puts transcripts into the artifact store. An ending that is on disk names none but one that is on disk. */
@Injectable()
export class Transcripts {
  constructor(
    private readonly artifacts: ArtifactStore,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /**
   * Puts the transcript together and begins to store it.
   * @param hasUnseen some of it nobody has seen: where other nodes ask for it, it would be nowhere that they look, and gone with this node
   */
  async begin(taskId: string, events: readonly TaskEvent[], hasUnseen = false): Promise<StoringTranscript> {
    const transcript = await transcriptOf(events);
    const isOnlyHere = hasUnseen && this.artifacts.isShared;
    const put = (): Promise<void> => this.artifacts.put(transcript, 'transcript', taskId, { isAwaited: false });
    const stored = (isOnlyHere ? this.surely(put) : put()).then(
      () => true,
      (cause: unknown) => {
        const human = 'A transcript could not be stored yet; it is tried again.';
        this.narrator.warn(human, { event: 'transcript_delayed', job_id: taskId }, cause);
        return false;
      },
    );
    return new Storing(this.artifacts, transcript, this.within(isOnlyHere ? MOST_STEPS : STEPS, stored));
  }

  /** Again for as long as storage only cannot be reached. */
  private async surely(put: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await put();
      } catch (thrown) {
        const isAway = asServiceError(thrown).code === 'STORAGE_UNAVAILABLE';
        if (!isAway || attempt === MOST_STEPS) throw thrown;
        await new Promise<void>(resolve => this.alarms.after(STEP_MS, resolve));
      }
    }
  }

  /** @param work never rejects */
  private within(steps: number, work: Promise<boolean>): Promise<boolean> {
    return new Promise(resolve => {
      let alarm: Alarm;
      const wait = (left: number): void => {
        alarm = this.alarms.after(STEP_MS, () => (left > 1 ? wait(left - 1) : resolve(false)));
      };
      wait(steps);
      void work.then(isStored => {
        alarm.cancel();
        resolve(isStored);
      });
    });
  }
}

class Storing implements StoringTranscript {
  readonly id: string;
  readonly json: string;
  readonly stored: Promise<boolean>;
  isStored: boolean | undefined;

  constructor(
    private readonly artifacts: ArtifactStore,
    { id, json }: CanonicalDocument,
    storing: Promise<boolean>,
  ) {
    this.id = id;
    this.json = json;
    this.stored = storing.then(isStored => (this.isStored = isStored));
  }

  hurry(): void {
    if (this.isStored === undefined) this.artifacts.hurry();
  }
}
