import type { ArtifactInfo, ArtifactQuery } from '../../artifacts/artifact-store.port';

/** Largest block; a full one is split in two. */
const BLOCK_MAX = 1024;

type Position = NonNullable<ArtifactQuery['after']>;

/** What an artifact is ordered by. */
export type Order = Position & Pick<ArtifactInfo, 'taskId'>;

/** Artifacts in the order they are listed in, as sorted blocks: adding, removing and finding a place are cheap among millions. */
export class NewestFirst {
  /** Never empty ones. The other way round: what is added is nearly always the newest, and moves nothing at the end. */
  private readonly blocks: ArtifactInfo[][] = [];

  /** @param order that of the artifact, where it is at hand */
  add(info: ArtifactInfo, order: Order = info): void {
    const { at, index } = this.seek(other => compare(other, order) <= 0);
    const block = this.blocks[at];
    if (!block || index === BLOCK_MAX) {
      this.blocks.splice(at + 1, 0, [info]);
      return;
    }
    block.splice(index, 0, info);
    if (block.length > BLOCK_MAX) this.blocks.splice(at + 1, 0, block.splice(BLOCK_MAX / 2));
  }

  delete(info: ArtifactInfo): void {
    const { at, index } = this.seek(other => compare(other, info) <= 0);
    const block = this.blocks[at];
    if (block?.[index] !== info) return;
    block.splice(index, 1);
    if (block.length === 0) this.blocks.splice(at, 1);
  }

  newest(): ArtifactInfo | undefined {
    return this.blocks.at(-1)?.at(-1);
  }

  oldest(): ArtifactInfo | undefined {
    return this.blocks[0]?.[0];
  }

  /** From behind a position, which may be that of an artifact that is gone. The list must not change meanwhile. */
  *after(position: Position | undefined): Generator<ArtifactInfo, undefined> {
    const until = this.seek(other => position !== undefined && comparePosition(other, position) <= 0);
    for (let at = until.at; at >= 0; at--) {
      const block = this.blocks[at] ?? [];
      for (let index = at === until.at ? until.index : block.length; index > 0; index--)
        yield block[index - 1] as ArtifactInfo;
    }
  }

  /** The first place for whose artifact `holds` is true (it stays true from there on), or the end of the last block. */
  private seek(holds: (info: ArtifactInfo) => boolean): { readonly at: number; readonly index: number } {
    const at = Math.min(
      firstWhere(this.blocks, block => holds(block.at(-1) as ArtifactInfo)),
      Math.max(0, this.blocks.length - 1),
    );
    return { at, index: firstWhere(this.blocks[at] ?? [], holds) };
  }
}

/** Newest first, ties by id and task. */
export function compare(a: Order, b: Order): number {
  return comparePosition(a, b) || compareText(a.taskId ?? '', b.taskId ?? '');
}

export function comparePosition(a: Position, b: Position): number {
  return b.storedAtMs - a.storedAtMs || compareText(a.id, b.id);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Looked for from the end, in steps that double, and then between the last two of them. */
function firstWhere<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let high = items.length;
  let step = 1;
  for (; step <= high && holds(items[high - step] as T); step *= 2) high -= step;
  let low = Math.max(0, high - step + 1);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
