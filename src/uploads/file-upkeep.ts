import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Lifecycle } from '../lifecycle/lifecycle';
import { Narrator } from '../observability/narrator';
import { FileContents } from './file-contents.port';
import { FileRecords } from './file-records';

const SWEEP_MS = 10_000;
const STEP = 100;

/**
 * Removes files whose time is over, and contents that belong to nobody: what an interrupted upload or removal has left. Where there is
 * no record at all, records were lost rather than contents left over, and those stay.
 */
@Injectable()
export class FileUpkeep implements OnApplicationBootstrap {
  /** Until it is known whose the contents are that this start has found. */
  private readonly claims: (() => Promise<readonly string[]>)[] = [];

  constructor(
    private readonly contents: FileContents,
    private readonly records: FileRecords,
    private readonly lifecycle: Lifecycle,
    private readonly narrator: Narrator,
  ) {}

  /** Contents that are no files yet and are somebody's all the same. Before the application has started. */
  spare(claimed: () => Promise<readonly string[]>): void {
    this.claims.push(claimed);
  }

  onApplicationBootstrap(): void {
    void this.narrator.attend(this.removeStray(), 'Contents of files that belong to nobody could not be removed.', {
      event: 'files_not_swept',
    });
  }

  @Interval(SWEEP_MS)
  async removeExpired(): Promise<void> {
    if (!this.lifecycle.isReady) return;
    await this.narrator.attend(this.expire(), 'Files whose time is over could not be removed; it is tried again.', {
      event: 'files_not_expired',
    });
  }

  /** The oldest first. Those that open batches hold stay among the oldest, and are passed over. */
  private async expire(): Promise<void> {
    const held = new Set<string>();
    for (;;) {
      const oldest = await this.records.expired(held.size + STEP);
      const due = oldest.filter(id => !held.has(id));
      for (const id of due) {
        if ((await this.records.removeFree(id)) === 'removed') await this.contents.remove(id);
        else held.add(id);
      }
      if (oldest.length < STEP || due.length === 0) return;
    }
  }

  private async removeStray(): Promise<void> {
    const found = await this.contents.ids();
    const [anyFile] = found.length === 0 ? [] : await this.records.list({ order: 'desc', limit: 1 });
    if (!anyFile) return;
    const claimed = new Set((await Promise.all(this.claims.map(claim => claim()))).flat());
    for (const id of found) {
      if (claimed.has(id) || (await this.records.find(id))) continue;
      await this.contents.remove(id);
      this.narrator.tell(`The content of ${id} belonged to nobody and was removed.`, { event: 'file_swept' });
    }
  }
}
