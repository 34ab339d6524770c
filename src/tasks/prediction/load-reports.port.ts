/** Characters of one report at most; a longer one is not passed on. */
export const REPORT_MAX_CHARS = 131_072;

/**
 * Load reports that the nodes of a deployment send each other, every second or sooner: what each of them can do without. They go to the nodes that are there, and
 * nothing is kept of them: some are lost, some come late, and one of another version may say what nobody here understands. Where there can be no
 * other node, none is asked for and none comes.
 */
export abstract class LoadReports {
  /** There may be other nodes. */
  abstract readonly hasPeers: boolean;

  /**
   * Begins; called once.
   * @param report asked once a second, and sooner where something {@link changed}: what this node has to report, of {@link REPORT_MAX_CHARS} at most; undefined: nothing
   * @param receive what another one has reported
   */
  abstract begin(report: () => string | undefined, receive: (node: string, text: string) => void): void;

  /** Others should not wait a second to hear of it. O(1). */
  abstract changed(): void;
}
