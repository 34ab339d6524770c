import { IdFilter } from './id-filter';
import type { IdHashes } from '../tables/protocol';

/** Ids read at a time: some milliseconds of the reader's thread. */
const PAGE = 5000;
/** So many expired ones, where they are half of all that are known, are worth reading the rest anew. */
const FORGOTTEN_MIN = 50_000;

/**
 * Which ids the journal may have, so that an admission under a new one can be acknowledged before the database has looked. Read
 * beside the work after a start; until then any id may be there.
 */
export class KnownIds {
  private known: IdFilter | undefined;
  /** What is being read; it gets the new ones too. */
  private reading: IdFilter | undefined;
  private forgotten = 0;
  private isStopped = false;

  /** @param read a page of them, after a number of admission */
  constructor(private readonly read: (afterSeq: number, limit: number) => Promise<IdHashes>) {}

  /** False for an id that the journal has not. */
  mayHave(taskId: string): boolean {
    return this.known?.mayHave(taskId) ?? true;
  }

  add(taskId: string): void {
    this.known?.add(taskId);
    this.reading?.add(taskId);
  }

  /** So many tasks are gone: their ids take room here until the rest is read anew. */
  forget(count: number): void {
    this.forgotten += count;
    const { size } = this.known ?? { size: 0 };
    if (this.forgotten < FORGOTTEN_MIN || this.forgotten < size / 2) return;
    this.forgotten = 0;
    void this.load();
  }

  /** Never rejects: what cannot be read leaves things as they are. */
  async load(): Promise<void> {
    if (this.reading) return;
    const filter = new IdFilter();
    this.reading = filter;
    try {
      for (let afterSeq: number | undefined = 0; afterSeq !== undefined && !this.isStopped;) {
        const page: IdHashes = await this.read(afterSeq, PAGE);
        for (const hash of page.hashes) filter.addHash(hash);
        afterSeq = page.lastSeq;
      }
      if (!this.isStopped) this.known = filter;
    } catch {
      // The reader tells what is wrong with the file. Until the next start admissions under given ids go to the database first.
    } finally {
      this.reading = undefined;
    }
  }

  stop(): void {
    this.isStopped = true;
  }
}
