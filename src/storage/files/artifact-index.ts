import type { ArtifactInfo, ArtifactQuery } from '../../artifacts/artifact-store.port';
import { NamesByText } from './names-by-text';
import { compare, comparePosition, NewestFirst } from './newest-first';

/**
 * What a name counts against the bound beside its content: a block of the file system, for a document. So the bound on bytes
 * bounds the number of names too, and with it the memory of this index (some 300 bytes a name).
 */
export const NAME_BYTES = 4096;

/** What is known of all artifacts, in memory. Nothing here awaits: an index is never seen half changed. */
export class ArtifactIndex {
  /** By id, the only name of nearly each. What is kept for a name is kept for every task that has ended: no object more than it needs. */
  private readonly artifacts = new NamesByText(({ id }) => id);
  /** By id, those of the few that have more: what is listed of them stands in {@link artifacts}. */
  private readonly others = new Map<string, Set<ArtifactInfo>>();
  private readonly byTask = new NamesByText(({ taskId }) => taskId);
  private readonly listed = { document: new NewestFirst(), transcript: new NewestFirst() };
  /** All names of transcripts, listed or not. */
  private readonly transcripts = new NewestFirst();
  private allBytes = 0;
  private uploadedBytes = 0;

  /** Of all names, each with a content of its own. */
  get bytes(): number {
    return this.allBytes;
  }

  /** The part of it that must stay. */
  get documentBytes(): number {
    return this.uploadedBytes;
  }

  find(id: string): ArtifactInfo | undefined {
    return this.artifacts.first(id);
  }

  /** All names of an artifact, the listed one last. */
  namesOf(id: string): readonly ArtifactInfo[] {
    const listed = this.find(id);
    return listed ? [...(this.others.get(id) ?? []), listed] : [];
  }

  /** Whether putting this again would change nothing. */
  holds(id: string, kind: ArtifactInfo['kind'], taskId: string | undefined): boolean {
    const known = this.find(id);
    if (!known) return false;
    if (taskId === undefined) return kind === 'transcript' || known.kind === 'document';
    return this.byTask.all(taskId).some(info => info.id === id && info.kind === kind);
  }

  add(info: ArtifactInfo): void {
    // Read once each: a name may make them of its bytes whenever it is asked.
    const { id, kind, taskId, storedAtMs } = info;
    const order = { id, taskId, storedAtMs };
    const known = this.find(id);
    this.count(info, 1);
    if (kind === 'transcript') this.transcripts.add(info, order);
    this.byTask.add(info, taskId);
    if (!known) {
      this.artifacts.add(info, id);
      this.listed[kind].add(info, order);
    } else if (isListedRather(info, known)) {
      this.addOther(known);
      this.relist(known, info);
    } else {
      this.addOther(info);
    }
  }

  delete(info: ArtifactInfo): void {
    const listed = this.find(info.id);
    if (!listed || !this.unname(listed, info)) return;
    this.count(info, -1);
    this.transcripts.delete(info);
    this.byTask.delete(info);
  }

  /** The latest time at which anything was stored. */
  get lastStoredMs(): number | undefined {
    const newest = [this.listed.document, this.transcripts].flatMap(all => all.newest()?.storedAtMs ?? []);
    return newest.length > 0 ? Math.max(...newest) : undefined;
  }

  oldestTranscript(): ArtifactInfo | undefined {
    return this.transcripts.oldest();
  }

  /** Each artifact once, under the name it is listed by; those of a task under the task's. */
  list({ kind, taskId, after, limit }: ArtifactQuery): readonly ArtifactInfo[] {
    if (taskId !== undefined) {
      const wanted = (info: ArtifactInfo): boolean =>
        (kind === undefined || info.kind === kind) && (!after || comparePosition(info, after) > 0);
      return this.byTask.all(taskId).filter(wanted).sort(compare).slice(0, limit);
    }
    const { document, transcript } = this.listed;
    const found = kind ? this.listed[kind].after(after) : merged(document.after(after), transcript.after(after));
    const page: ArtifactInfo[] = [];
    for (const info of found) if (page.push(info) >= limit) break;
    return page;
  }

  private addOther(info: ArtifactInfo): void {
    const others = this.others.get(info.id);
    if (others) others.add(info);
    else this.others.set(info.id, new Set([info]));
  }

  private deleteOther(info: ArtifactInfo): boolean {
    const others = this.others.get(info.id);
    if (!others?.delete(info)) return false;
    if (others.size === 0) this.others.delete(info.id);
    return true;
  }

  private relist(before: ArtifactInfo, info: ArtifactInfo): void {
    this.listed[before.kind].delete(before);
    this.artifacts.delete(before);
    this.artifacts.add(info);
    this.listed[info.kind].add(info);
  }

  /** Takes a name from its artifact, and the artifact away with its last one. False where it had no such name. */
  private unname(listed: ArtifactInfo, info: ArtifactInfo): boolean {
    if (listed !== info) return this.deleteOther(info);
    const [first, ...rest] = this.others.get(info.id) ?? [];
    if (first) {
      const heir = rest.reduce((best, other) => (isListedRather(other, best) ? other : best), first);
      this.deleteOther(heir);
      this.relist(info, heir);
    } else {
      this.listed[info.kind].delete(info);
      this.artifacts.delete(info);
    }
    return true;
  }

  private count(info: ArtifactInfo, sign: 1 | -1): void {
    const bytes = sign * (NAME_BYTES + info.bytes);
    this.allBytes += bytes;
    if (info.kind === 'document') this.uploadedBytes += bytes;
  }
}

function isListedRather(info: ArtifactInfo, than: ArtifactInfo): boolean {
  return info.kind === than.kind ? compare(info, than) < 0 : info.kind === 'document';
}

function* merged(
  a: Generator<ArtifactInfo, undefined>,
  b: Generator<ArtifactInfo, undefined>,
): Generator<ArtifactInfo, undefined> {
  let [nextA, nextB] = [a.next().value, b.next().value];
  while (nextA || nextB) {
    if (nextA && (!nextB || compare(nextA, nextB) < 0)) {
      yield nextA;
      nextA = a.next().value;
    } else if (nextB) {
      yield nextB;
      nextB = b.next().value;
    }
  }
}
