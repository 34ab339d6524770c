import { Injectable } from '@nestjs/common';
import { ArtifactStore } from '../../artifacts/artifact-store.port';
import { Narrator } from '../../observability/narrator';
import { Alarms, type Alarm } from '../../time/alarms';
import type { TaskEvent } from '../task/task';
import { transcriptOf } from '../transcript/transcript';

/** How long an ending waits for its transcript to be stored. */
const PATIENCE_MS = 1000;

/** Stores transcripts, before the endings that name them: an ending that is on disk names one that is on disk. */
@Injectable()
export class Transcripts {
  constructor(
    private readonly artifacts: ArtifactStore,
    private readonly alarms: Alarms,
    private readonly narrator: Narrator,
  ) {}

  /** Resolves to the transcript's id; to undefined when it could not be stored, or takes too long. Never rejects. */
  async store(taskId: string, events: readonly TaskEvent[]): Promise<string | undefined> {
    const transcript = await transcriptOf(events);
    const stored = this.artifacts.put(transcript, 'transcript', taskId).then(
      () => true,
      (cause: unknown) => {
        const human = 'A transcript could not be stored yet; it is tried again.';
        this.narrator.warn(human, { event: 'transcript_delayed', job_id: taskId }, cause);
        return false;
      },
    );
    return (await this.withinPatience(stored)) ? transcript.id : undefined;
  }

  private async withinPatience(work: Promise<boolean>): Promise<boolean> {
    let alarm: Alarm | undefined;
    const patience = new Promise<false>(resolve => (alarm = this.alarms.after(PATIENCE_MS, () => resolve(false))));
    const first = await Promise.race([work, patience]);
    alarm?.cancel();
    return first;
  }
}
