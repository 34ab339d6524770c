import { ServiceError } from '../../errors/service-error';

/** Counts the bytes of all files together, those that are still coming among them. */
export class ContentRoom {
  private held = 0;

  constructor(private readonly maxBytes: number) {}

  /** @throws ServiceError STORAGE_FULL */
  take(bytes: number): void {
    if (this.held + bytes > this.maxBytes) {
      const bound = `${this.maxBytes} bytes (ORCHD_FILES_MAX_BYTES)`;
      const message = `All files together may have ${bound}: delete some that are not needed.`;
      throw new ServiceError('STORAGE_FULL', { field: 'file', message, retriable: false });
    }
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
