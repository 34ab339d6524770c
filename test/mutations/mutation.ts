/** One wrong step in a driver, which the contract of its port has to notice. */
export interface Mutation {
  /** What is wrong then. */
  readonly name: string;
  /** From the root of the project. */
  readonly file: string;
  /** Stands in the file, once at least: the first is replaced. */
  readonly find: string;
  readonly replace: string;
  /** Of which one has to fail. */
  readonly specs: readonly string[];
}
