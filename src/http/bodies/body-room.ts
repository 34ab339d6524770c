/** What many requests need at most. Bodies up to this size have an eighth of the room to themselves. */
export const SMALL_BODY_BYTES = 64 * 1024;
const SHARE_FOR_ALL = 7 / 8;

/** Counts the bytes that the bodies of all requests hold together, and says when there is no room for more. */
export class BodyRoom {
  private heldBytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** Whether a body that has grown by `moreBytes` to `bodyBytes` has room; then they are counted until they are given back. */
  take(moreBytes: number, bodyBytes: number): boolean {
    // So that a few who send much, or slowly, leave room for the many who send little.
    const maxBytes = bodyBytes > SMALL_BODY_BYTES ? this.maxBytes * SHARE_FOR_ALL : this.maxBytes;
    if (this.heldBytes + moreBytes > maxBytes) return false;
    this.heldBytes += moreBytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.heldBytes -= bytes;
  }

  /** Bytes held at the moment. */
  get held(): number {
    return this.heldBytes;
  }
}
