import { filesFull } from '../../uploads/content-faults';

/** Counts the bytes of all files together, those that are still coming among them. */
export class ContentRoom {
  private held = 0;

  constructor(private readonly maxBytes: number) {}

  /** @throws ServiceError STORAGE_FULL */
  take(bytes: number): void {
    if (this.held + bytes > this.maxBytes) throw filesFull(this.maxBytes);
    this.held += bytes;
  }

  /** What was worked for is written, whatever the bound: uploads wait for room instead. */
  add(bytes: number): void {
    this.held += bytes;
  }

  giveBack(bytes: number): void {
    this.held -= bytes;
  }
}
