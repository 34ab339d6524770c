import { Injectable } from '@nestjs/common';
import type { HeldTranscript } from '../task/storing-transcript';
import { TaskJournal, type Recovery } from './task-journal.port';

/** What the journal held when this process opened it: read once, for all that take something over from it. */
@Injectable()
export class JournalStart {
  private recovery: Promise<Omit<Recovery, 'transcripts'>> | undefined;
  private transcripts: readonly HeldTranscript[] = [];

  constructor(private readonly journal: TaskJournal) {}

  recovered(): Promise<Omit<Recovery, 'transcripts'>> {
    return (this.recovery ??= this.recover());
  }

  /** Given out once, for they may be many megabytes; from then on none. */
  async heldTranscripts(): Promise<readonly HeldTranscript[]> {
    await this.recovered();
    const held = this.transcripts;
    this.transcripts = [];
    return held;
  }

  private async recover(): Promise<Omit<Recovery, 'transcripts'>> {
    const { transcripts, ...recovery } = await this.journal.recover();
    this.transcripts = transcripts;
    return recovery;
  }
}
