import type { StoringTranscript } from '../../src/tasks/task/storing-transcript';

/** A transcript that is being stored until it is told what became of that. */
export class PendingTranscript implements StoringTranscript {
  readonly json = '{"events":[]}';
  isStored: boolean | undefined;
  /** Somebody waits for it. */
  isHurried = false;
  tell!: (isStored: boolean) => void;
  readonly stored = new Promise<boolean>(resolve => {
    this.tell = isStored => resolve((this.isStored = isStored));
  });

  constructor(readonly id = 'transcript-id') {}

  hurry(): void {
    this.isHurried = true;
  }
}

/** One of which that is known. */
export function transcriptThat(isStored: boolean): StoringTranscript {
  const transcript = new PendingTranscript();
  transcript.tell(isStored);
  return transcript;
}
