/** Before the number of a token in its text (see engine/frames.ts); no key of a frame begins so. */
const TOKEN_MARK = '"#';
/** Enough of the end of a stream to see its last event. */
const ENDING_CHARACTERS = 600;

/** Sees to it that a stream has each token once and in order, and an end. */
export class TokenCheck {
  /** Tokens seen; the number of the next. */
  tokens = 0;
  /** The first thing that was wrong. */
  fault: string | undefined;
  private rest = '';
  private ending = '';

  /**
   * @param endMark what only the last frame of a whole stream holds
   * @param tokenMark another where a stream says its text again, so that this is what only a token has
   */
  constructor(
    private readonly endMark: string,
    private readonly tokenMark = TOKEN_MARK,
  ) {}

  take(part: string): void {
    const { tokenMark } = this;
    const text = this.rest + part;
    let at = 0;
    for (;;) {
      const mark = text.indexOf(tokenMark, at);
      if (mark < 0) {
        // A mark may have begun.
        this.rest = text.slice(Math.max(at, text.length - tokenMark.length + 1));
        break;
      }
      const end = text.indexOf(' ', mark);
      if (end < 0) {
        this.rest = text.slice(mark);
        break;
      }
      const index = Number(text.slice(mark + tokenMark.length, end));
      if (index !== this.tokens) this.fault ??= `token ${index} came where token ${this.tokens} was due`;
      this.tokens++;
      at = end;
    }
    this.ending = part.length >= ENDING_CHARACTERS ? part : (this.ending + part).slice(-2 * ENDING_CHARACTERS);
  }

  /** What is wrong with the stream now that it ended; undefined where nothing is. */
  faultAtEnd(tokens: number): string | undefined {
    if (this.fault !== undefined) return this.fault;
    if (!this.ending.includes(this.endMark)) return `the stream had no end: ${this.ending.slice(-200)}`;
    return this.tokens === tokens ? undefined : `${this.tokens} tokens came of ${tokens}`;
  }
}
