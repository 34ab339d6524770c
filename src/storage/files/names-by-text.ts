import type { ArtifactInfo } from '../../artifacts/artifact-store.port';

/**
 * Names by a text that each says itself. The map knows only a number made of it: a million texts would take more room than all else that
 * is known of a million artifacts.
 */
export class NamesByText {
  /** Nearly each number stands for one name. */
  private readonly byNumber = new Map<number, ArtifactInfo | readonly ArtifactInfo[]>();

  /** @param textOf undefined for a name that is not to be found */
  constructor(private readonly textOf: (info: ArtifactInfo) => string | undefined) {}

  /** Any of those with this text. */
  first(text: string): ArtifactInfo | undefined {
    const found = this.byNumber.get(numberOf(text));
    if (!found) return undefined;
    if (isOne(found)) return this.textOf(found) === text ? found : undefined;
    return found.find(info => this.textOf(info) === text);
  }

  all(text: string): readonly ArtifactInfo[] {
    const found = this.byNumber.get(numberOf(text));
    if (!found) return [];
    return (isOne(found) ? [found] : found).filter(info => this.textOf(info) === text);
  }

  add(info: ArtifactInfo): void {
    const text = this.textOf(info);
    if (text === undefined) return;
    const number = numberOf(text);
    const found = this.byNumber.get(number);
    this.byNumber.set(number, found ? [...(isOne(found) ? [found] : found), info] : info);
  }

  delete(info: ArtifactInfo): void {
    const text = this.textOf(info);
    if (text === undefined) return;
    const number = numberOf(text);
    const found = this.byNumber.get(number);
    const rest = found && !isOne(found) ? found.filter(other => other !== info) : [];
    if (found !== info && rest.length === 0) return;
    const [only] = rest;
    if (only) this.byNumber.set(number, rest.length === 1 ? only : rest);
    else this.byNumber.delete(number);
  }
}

function isOne(found: ArtifactInfo | readonly ArtifactInfo[]): found is ArtifactInfo {
  return !Array.isArray(found);
}

/** FNV-1a, in as many bits as a number has that takes no room of its own. */
function numberOf(text: string): number {
  let number = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) number = Math.imul(number ^ text.charCodeAt(at), 0x01000193);
  return number >>> 1;
}
