/** Bounds lines that strangers can cause: so many at once, so many a second after that, the others are counted. */
export class LineBudget {
  private left: number;
  private filledAtMs = performance.now();
  private withheldLines = 0;

  constructor(
    private readonly burst: number,
    private readonly perSecond: number,
  ) {
    this.left = burst;
  }

  /** Lines withheld since the last that was let through, this one included. */
  get withheld(): number {
    return this.withheldLines;
  }

  /** Whether the next line may be written. */
  take(): boolean {
    const nowMs = performance.now();
    this.left = Math.min(this.burst, this.left + ((nowMs - this.filledAtMs) / 1000) * this.perSecond);
    this.filledAtMs = nowMs;
    if (this.left < 1) {
      this.withheldLines++;
      return false;
    }
    this.left--;
    return true;
  }

  /** The count of those withheld was told. */
  told(): void {
    this.withheldLines = 0;
  }
}
