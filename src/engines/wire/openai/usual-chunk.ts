/** Far more than a chunk of text has; of longer ones {@link parseJson} asks more than that they are JSON. */
const MAX_CHARS = 16 * 1024;
/** Shapes learned in a row of which none came again: each chunk of such a stream has something of its own, and is parsed. */
const MAX_IN_VAIN = 8;
const NEEDS_PARSING = /["\\\x00-\x1f]/;

/**
 * The chunks of a stream that say no more than text differ in that text alone, as long as the second lasts in which they were made: whatever
 * engine sends them, in its own order of members and with members of its own. So what stands around the text is learned from one that
 * was parsed, and of one in which the same stands around its own, the text is taken as it stands.
 *
 * That says the same as parsing does: the parser is inside of a string where the text begins, and text that has no quote, backslash or control
 * character leaves it there, so that nothing but the value of that string is another.
 */
export class UsualChunk {
  private before = '';
  private after = '';
  private inVain = 0;

  /** The text of a chunk; undefined where it has to be parsed to know what it says. */
  textOf(data: string): string | undefined {
    const { before, after } = this;
    const end = data.length - after.length;
    // By slices: V8 compares two strings several times as fast as it looks how one begins.
    if (before === '' || end <= before.length || data.length > MAX_CHARS) return undefined;
    if (data.slice(0, before.length) !== before || data.slice(end) !== after) return undefined;
    const text = data.slice(before.length, end);
    if (NEEDS_PARSING.test(text)) return undefined;
    this.inVain = 0;
    return text;
  }

  /**
   * @param data of a chunk that was parsed; read again, it would change nothing
   * @param text all that it says
   * @param read what a parser takes for the text of a chunk
   */
  learn(data: string, text: string, read: (data: string) => string | undefined): void {
    if (this.inVain >= MAX_IN_VAIN || data.length > MAX_CHARS || NEEDS_PARSING.test(text)) return;
    const start = data.indexOf(`"${text}"`) + 1;
    if (start === 0) return;
    this.inVain++;
    const before = copyOf(data.slice(0, start));
    const after = copyOf(data.slice(start + text.length));
    // What stands there first may be another string of the same text: it is the right one if putting something else there shows.
    const other = `${text}.`;
    if (read(before + other + after) !== other) return;
    this.before = before;
    this.after = after;
  }
}

/** A slice would keep all that came with it from the network. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
