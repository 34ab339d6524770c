const FIRST_BYTES = 128;

/** Which lines of a file are done: a bit for each. */
export class DoneLines {
  private bits = new Uint8Array(FIRST_BYTES);

  has(line: number): boolean {
    return ((this.bits[line >> 3] ?? 0) & (1 << (line & 7))) !== 0;
  }

  add(line: number): void {
    const at = line >> 3;
    if (at >= this.bits.length) {
      const grown = new Uint8Array(Math.max(at + 1, 2 * this.bits.length));
      grown.set(this.bits);
      this.bits = grown;
    }
    this.bits[at] = (this.bits[at] ?? 0) | (1 << (line & 7));
  }
}
