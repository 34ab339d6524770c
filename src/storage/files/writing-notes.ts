import type { Narrator } from '../../observability/narrator';

/** Tells once that files of one kind cannot be written, and once that they can again. */
export class WritingNotes {
  private failing = false;

  constructor(
    private readonly narrator: Narrator,
    /** As it stands in a sentence: "the artifacts". */
    private readonly what: string,
  ) {}

  /** Does the work, and notes how it went. */
  async note<T>(work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      if (this.failing) this.narrator.tell(`Files of ${this.what} can be written again.`, { event: 'files_writable' });
      this.failing = false;
      return result;
    } catch (cause) {
      const human = `Files of ${this.what} cannot be written: what is sent for them is refused until they can.`;
      if (!this.failing) this.narrator.warn(human, { event: 'files_unwritable' }, cause);
      this.failing = true;
      throw cause;
    }
  }
}
