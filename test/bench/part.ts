import type { LoadProcess } from './load/load-process';

/** What a part measures with. */
export interface Bench {
  readonly quick: boolean;
  /** Of which the median counts. */
  readonly runs: number;
  /** Goes when the bench ends. */
  readonly folder: string;
  readonly load: LoadProcess;
  /** One size for a full run, another for a quick one. */
  size(full: number, quick: number): number;
  /** For who watches. */
  say(line: string): void;
}

export interface Table {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Printed, never enforced: on another machine, or a busy one, a figure means something else. */
export interface Goal {
  readonly what: string;
  readonly got: number;
  readonly atMost: number;
  readonly unit: string;
}

export interface PartReport {
  /** Sentences before the tables: what was done, with what. */
  readonly method: readonly string[];
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
}

export interface Part {
  /** On the command line. */
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<PartReport>;
}
