/**
 * The right to work at a record that is open: one node at a time has it. The token is another one with each holder, and what a holder writes it writes
 * by it: a node that was stopped, and comes back when another has taken over, is refused.
 */
export interface RecordLease {
  /** What kind of record it is. */
  readonly kind: string;
  readonly id: string;
  readonly token: string;
}

/**
 * A write by a lease that is somebody else's by now, or of which storage has lost what was written before: nothing of it was done, and nothing ever
 * will be.
 */
export class LeaseLost extends Error {
  constructor({ kind, id }: RecordLease) {
    super(`${kind} ${id} is not this node's to work at any more`);
  }
}
