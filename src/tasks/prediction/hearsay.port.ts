/** Characters of one word at most; a longer one is not passed on. */
export const WORD_MAX = 131_072;

/**
 * What the nodes of a deployment tell each other, every second or sooner, of what each of them can do without. A word is heard by the nodes that are there, and
 * nothing is kept of it: some are lost, some come late, and one of another version may say what nobody here understands. Where there can be no
 * other node nobody asks and nobody hears.
 */
export abstract class Hearsay {
  /** There may be other nodes. */
  abstract readonly hasOthers: boolean;

  /**
   * Begins; called once.
   * @param say asked once a second, and sooner where something {@link changed}: what this node has to tell, of {@link WORD_MAX} characters at most; undefined: nothing
   * @param hear what another one has told
   */
  abstract begin(say: () => string | undefined, hear: (node: string, word: string) => void): void;

  /** Others should not wait a second to hear of it. O(1). */
  abstract changed(): void;
}
