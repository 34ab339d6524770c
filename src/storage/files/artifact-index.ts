import type { ArtifactInfo, ArtifactQuery } from '../../artifacts/artifact-store.port';
import { OrderedSet } from '../../tasks/queue/ordered-set';

interface Entry {
  readonly info: ArtifactInfo;
  /** Newest first: the negated time of creation, ties by the order of indexing. */
  readonly orderKey: number;
  readonly seq: number;
}

/** What is known of all artifacts, in memory: by id, newest first, and how much they hold. */
export class ArtifactIndex {
  private readonly byId = new Map<string, Entry>();
  private readonly newest = new OrderedSet<Entry>();
  private readonly byTask = new Map<string, Set<string>>();
  private lastSeq = 0;
  private totalBytes = 0;

  get bytes(): number {
    return this.totalBytes;
  }

  find(id: string): ArtifactInfo | undefined {
    return this.byId.get(id)?.info;
  }

  add(info: ArtifactInfo): void {
    this.delete(info.id);
    const entry: Entry = { info, orderKey: -info.createdAtMs, seq: ++this.lastSeq };
    this.byId.set(info.id, entry);
    this.newest.add(entry);
    this.totalBytes += info.bytes;
    if (info.taskId === undefined) return;
    const ofTask = this.byTask.get(info.taskId) ?? new Set();
    this.byTask.set(info.taskId, ofTask.add(info.id));
  }

  delete(id: string): boolean {
    const entry = this.byId.get(id);
    if (!entry) return false;
    this.byId.delete(id);
    this.newest.delete(entry);
    this.totalBytes -= entry.info.bytes;
    const { taskId } = entry.info;
    const ofTask = taskId === undefined ? undefined : this.byTask.get(taskId);
    ofTask?.delete(id);
    if (taskId !== undefined && ofTask?.size === 0) this.byTask.delete(taskId);
    return true;
  }

  list({ kind, taskId, after, limit }: ArtifactQuery): readonly ArtifactInfo[] {
    const found: ArtifactInfo[] = [];
    for (const { info } of this.candidates(taskId, after?.id)) {
      if (found.length === limit) break;
      if ((kind === undefined || info.kind === kind) && (!after || isOlder(info, after))) found.push(info);
    }
    return found;
  }

  /** The oldest transcripts, oldest first. */
  oldestTranscripts(limit: number): readonly ArtifactInfo[] {
    const found: ArtifactInfo[] = [];
    for (const { info } of this.newest.valuesFromLast()) {
      if (found.length === limit) break;
      if (info.kind === 'transcript') found.push(info);
    }
    return found;
  }

  private candidates(taskId: string | undefined, afterId: string | undefined): Iterable<Entry> {
    if (taskId !== undefined) {
      const ofTask = [...(this.byTask.get(taskId) ?? [])].map(id => this.byId.get(id)).filter(entry => entry !== undefined);
      return ofTask.sort((a, b) => a.orderKey - b.orderKey || a.seq - b.seq);
    }
    const last = afterId === undefined ? undefined : this.byId.get(afterId);
    return this.newest.valuesAfter(last);
  }
}

function isOlder(info: ArtifactInfo, than: { readonly createdAtMs: number; readonly id: string }): boolean {
  return info.id !== than.id && info.createdAtMs <= than.createdAtMs;
}
