import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { TaskJournal } from '../journal/task-journal.port';
import { StartForecasts } from './start-forecasts';

/** What a kill may take away of what was learned. */
const EVERY_MS = 2000;
const NOTE = 'paces';

/** Keeps what was learned of pools over a restart, so that the first prediction after it is as good as the last before. */
@Injectable()
export class PaceKeeper {
  private saving: Promise<void> | undefined;
  /** Before the journal is open, and after its last word, there is nothing to save to. */
  private isOpen = false;

  constructor(
    private readonly journal: TaskJournal,
    private readonly forecasts: StartForecasts,
  ) {}

  /** @param notes of the journal that was opened */
  restore(notes: ReadonlyMap<string, string>): void {
    const kept = notes.get(NOTE);
    if (kept !== undefined) this.forecasts.paces.restore(kept);
    this.isOpen = true;
  }

  @Interval(EVERY_MS)
  async save(): Promise<void> {
    if (!this.isOpen) return;
    this.saving ??= this.saveNews().finally(() => (this.saving = undefined));
    await this.saving;
  }

  /** Saves for the last time; the journal may be closed after it. */
  async close(): Promise<void> {
    await this.saving;
    await this.save();
    this.isOpen = false;
  }

  private async saveNews(): Promise<void> {
    const { paces } = this.forecasts;
    const news = paces.takeNews();
    if (news === undefined) return;
    try {
      await this.journal.saveNote(NOTE, news);
    } catch {
      // The journal tells of storage that fails; nothing is lost as long as the process lives.
      paces.keepForLater();
    }
  }
}
