import { notesOnScrubbed } from './damage-report';
import { isDamage } from '../file/journal-error';
import type { JournalReader } from '../tables/journal-reader';
import type { Note } from '../tables/protocol';
import { isIntact } from '../tables/rows';

/** Rows looked at in one step, and the pause between two: 10,000 rows a second, at a few percent of one core. */
const ROWS_PER_STEP = 200;
const PAUSE_MS = 20;

/** Looks through a journal that was too large for it at the start, a little at a time, and names what does not add up. */
export class Scrub {
  private timer: NodeJS.Timeout | undefined;
  private lastSeq = 0;

  constructor(
    private readonly reader: JournalReader,
    private readonly tell: (note: Note) => void,
  ) {}

  start(): void {
    this.timer = setTimeout(() => this.step(), PAUSE_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private step(): void {
    try {
      const rows = this.reader.rowsAfter(this.lastSeq, ROWS_PER_STEP);
      const damaged = rows.filter(row => !isIntact(row)).map(row => String(row[1]));
      for (const note of notesOnScrubbed(damaged)) this.tell(note);
      const last = rows.at(-1);
      if (!last) return;
      this.lastSeq = last[0];
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      this.tell({
        level: 'fail',
        human: `The journal is damaged: tasks after number ${this.lastSeq} cannot be read in their order.`,
        fields: { event: 'journal_damaged', after_seq: this.lastSeq },
      });
      return;
    }
    this.start();
  }
}
