import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Notes } from '../journal/notes.port';
import { StartForecasts } from './start-forecasts';

/** What a kill may take away of what was learned. */
const EVERY_MS = 2000;
const NOTE = 'paces';

/** Keeps what was learned of pools over a restart, so that the first prediction after it is as good as the last before. */
@Injectable()
export class PaceKeeper {
  private saving: Promise<void> | undefined;
  /** Before the store is open, and after its last word, there is nothing to save to. */
  private isOpen = false;

  constructor(
    private readonly notes: Notes,
    private readonly forecasts: StartForecasts,
  ) {}

  async restore(): Promise<void> {
    const kept = (await this.notes.recovered()).get(NOTE);
    if (kept !== undefined) this.forecasts.paces.restore(kept);
    this.isOpen = true;
  }

  @Interval(EVERY_MS)
  async save(): Promise<void> {
    if (!this.isOpen) return;
    this.saving ??= this.saveNews().finally(() => (this.saving = undefined));
    await this.saving;
  }

  /** Saves for the last time; the store may be closed after it. */
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
      await this.notes.save(NOTE, news);
    } catch {
      // Storage that fails tells so by itself; nothing is lost as long as the process lives.
      paces.keepForLater();
    }
  }
}
