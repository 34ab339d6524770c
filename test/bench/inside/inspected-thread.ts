import type { Debugger, Profiler, Runtime } from 'node:inspector';

/** A function of `src/` that ran, and how often. */
export interface Visit {
  /** Empty for the main thread, else the source that the thread runs. */
  readonly thread: string;
  /** Path below `src/`. */
  readonly file: string;
  /** Where it begins in what the file is compiled to. */
  readonly offset: number;
  readonly count: number;
}

/** When a function was come to, on a clock that all threads share. */
export interface Arrival {
  readonly thread: string;
  readonly file: string;
  readonly offset: number;
  readonly atMs: number;
}

interface Script {
  readonly id: string;
  readonly file: string;
  readonly text: string;
}

/** What an inspector sends: an answer to what was asked; an event has no id. */
interface Received {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
}

/** The list of arrivals, in the thread that is watched. */
const NOTES = 'globalThis.__arrivals';
/** What the compiler makes of an export: others read it through this, and nothing of the file runs. */
const EXPORT_GETTER = /^get (\w+) ?\(\) \{\s*return \1;\s*\}$/;

/**
 * V8's inspector of one thread. Functions are counted by precise coverage. The order is noted by breakpoints whose condition notes the file and is
 * false, so that nothing ever stops; they are set on functions that were counted before.
 */
export class InspectedThread {
  private readonly waiting = new Map<number, { settle: (result: never) => void; fail: (error: Error) => void }>();
  private readonly scripts = new Map<string, Script>();
  private asked = 0;

  constructor(
    private readonly name: string,
    private readonly sourceOf: (url: string) => string | undefined,
    private readonly send: (id: number, method: string, params: object) => void,
  ) {}

  async begin(): Promise<void> {
    await this.ask('Debugger.enable');
    await this.ask('Profiler.enable');
    await this.ask('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  }

  receive(message: unknown): void {
    const { id, result, error } = message as Received;
    const waiting = id === undefined ? undefined : this.waiting.get(id);
    if (id === undefined || !waiting) return;
    this.waiting.delete(id);
    if (error) waiting.fail(new Error(error.message ?? JSON.stringify(error)));
    else waiting.settle(result as never);
  }

  /** What ran since it was asked before. */
  async take(): Promise<readonly Visit[]> {
    const { result } = await this.ask<Profiler.TakePreciseCoverageReturnType>('Profiler.takePreciseCoverage');
    const visits: Visit[] = [];
    for (const { url, scriptId, functions } of result) {
      const file = this.sourceOf(url);
      if (file === undefined) continue;
      const { text } = await this.script(scriptId, file);
      for (const { ranges } of functions) {
        const [range] = ranges;
        if (!range || range.count === 0 || EXPORT_GETTER.test(text.slice(range.startOffset, range.endOffset))) continue;
        visits.push({ thread: this.name, file, offset: range.startOffset, count: range.count });
      }
    }
    return visits;
  }

  /** From now on it is noted when these are come to. */
  async watch(visits: readonly Visit[]): Promise<void> {
    await this.ask('Runtime.evaluate', { expression: `${NOTES} = []` });
    for (const { thread, file, offset } of visits) {
      const script = this.scripts.get(file);
      if (thread !== this.name || !script) continue;
      const note = `[${JSON.stringify(file)}, ${offset}, performance.timeOrigin + performance.now()]`;
      await this.ask('Debugger.setBreakpoint', {
        location: { scriptId: script.id, ...placeOf(script.text, offset) },
        condition: `${NOTES}.push(${note}) < 0`,
      });
    }
  }

  /** What was come to since it was asked before, in order. */
  async order(): Promise<readonly Arrival[]> {
    const { result } = await this.ask<Runtime.EvaluateReturnType>('Runtime.evaluate', {
      expression: `JSON.stringify(${NOTES}.splice(0))`,
    });
    const notes = JSON.parse(String(result.value)) as readonly [file: string, offset: number, atMs: number][];
    return notes.map(([file, offset, atMs]) => ({ thread: this.name, file, offset, atMs }));
  }

  private async script(id: string, file: string): Promise<Script> {
    const known = this.scripts.get(file);
    if (known) return known;
    const { scriptSource } = await this.ask<Debugger.GetScriptSourceReturnType>('Debugger.getScriptSource', {
      scriptId: id,
    });
    const script = { id, file, text: scriptSource };
    this.scripts.set(file, script);
    return script;
  }

  private ask<T>(method: string, params: object = {}): Promise<T> {
    const id = ++this.asked;
    return new Promise<T>((settle, fail) => {
      this.waiting.set(id, { settle, fail });
      this.send(id, method, params);
    });
  }
}

function placeOf(text: string, offset: number): { lineNumber: number; columnNumber: number } {
  const before = text.slice(0, offset);
  return { lineNumber: before.split('\n').length - 1, columnNumber: offset - (before.lastIndexOf('\n') + 1) };
}
