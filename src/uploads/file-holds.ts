import { Injectable } from '@nestjs/common';

type Asked = (fileId: string) => Promise<string | undefined>;

/** Who works with a file, so that it is not removed beneath them. */
@Injectable()
export class FileHolds {
  /** By file: its holders. */
  private readonly holders = new Map<string, Set<string>>();
  private readonly elsewhere: Asked[] = [];

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

  /** Is asked too, of holders at other nodes. */
  ask(asked: Asked): void {
    this.elsewhere.push(asked);
  }

  /** One of those who hold it. @throws ServiceError STORAGE_UNAVAILABLE */
  async holderOf(fileId: string): Promise<string | undefined> {
    const [here] = this.holders.get(fileId) ?? [];
    if (here !== undefined) return here;
    for (const asked of this.elsewhere) {
      const holder = await asked(fileId);
      if (holder !== undefined) return holder;
    }
    return undefined;
  }
}
