import { Injectable } from '@nestjs/common';

/** Who works with a file, so that it is not removed beneath them. */
@Injectable()
export class FileHolds {
  /** By file: its holders. */
  private readonly holders = new Map<string, Set<string>>();

  hold(fileId: string, holder: string): void {
    const known = this.holders.get(fileId);
    if (known) known.add(holder);
    else this.holders.set(fileId, new Set([holder]));
  }

  release(fileId: string, holder: string): void {
    const known = this.holders.get(fileId);
    known?.delete(holder);
    if (known?.size === 0) this.holders.delete(fileId);
  }

  /** One of those who hold it. */
  holderOf(fileId: string): string | undefined {
    return this.holders.get(fileId)?.values().next().value;
  }
}
