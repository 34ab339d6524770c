import type { FileLine } from '../lines/line-splitter';

/** Lines of one batch that are held; their batch reads no further where these are as many. */
const LINES_MAX = 500;
/** Bytes of them, likewise: of a thousand batches at once that is 256 MiB. */
const BYTES_MAX = 256 * 1024;
const AGAIN_MAX_MS = 5000;

interface Waiting {
  readonly lines: FileLine[];
  /** By the monotonic clock: one of them is tried then. */
  dueMs: number;
  /** Until the one after it is tried; it doubles. */
  againMs: number;
  /** What it was at first. */
  readonly firstMs: number;
}

/**
 * Lines of one batch that wait for their models, so that those of its other models go on. One of each model is tried at a time: where it need not wait any
 * more the next is tried at once, and where it does the others wait longer.
 */
export class WaitingLines {
  private readonly models = new Map<string, Waiting>();
  private lines = 0;
  private bytes = 0;

  get isEmpty(): boolean {
    return this.lines === 0;
  }

  get isFull(): boolean {
    return this.lines >= LINES_MAX || this.bytes >= BYTES_MAX;
  }

  add(model: string, line: FileLine, nowMs: number, afterMs: number): void {
    const waiting = this.models.get(model) ?? { lines: [], dueMs: nowMs + afterMs, againMs: afterMs, firstMs: afterMs };
    // Its bytes are a part of what was read at once, which it would hold on to.
    waiting.lines.push({ ...line, bytes: Buffer.from(line.bytes) });
    this.models.set(model, waiting);
    this.lines++;
    this.bytes += line.bytes.length;
  }

  isDue(nowMs: number): boolean {
    for (const { lines, dueMs } of this.models.values()) if (lines.length > 0 && dueMs <= nowMs) return true;
    return false;
  }

  /** One of a model whose time has come. */
  takeDue(nowMs: number): FileLine | undefined {
    for (const waiting of this.models.values()) {
      if (waiting.dueMs > nowMs) continue;
      const line = waiting.lines.shift();
      if (!line) continue;
      waiting.dueMs = nowMs + waiting.againMs;
      waiting.againMs = Math.min(2 * waiting.againMs, AGAIN_MAX_MS);
      this.lines--;
      this.bytes -= line.bytes.length;
      return line;
    }
    return undefined;
  }

  /** One of its lines need not wait: the next is tried at once. */
  tryNext(model: string, nowMs: number): void {
    const waiting = this.models.get(model);
    if (waiting?.lines.length === 0) this.models.delete(model);
    else if (waiting) [waiting.dueMs, waiting.againMs] = [nowMs, waiting.firstMs];
  }

  /** All of them, which wait no more. */
  releaseAll(): readonly FileLine[] {
    const all = [...this.models.values()].flatMap(({ lines }) => lines);
    this.models.clear();
    this.lines = this.bytes = 0;
    return all;
  }
}
