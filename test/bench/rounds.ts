import { cpuUs } from './measured-process';
import type { Size } from './part';

/** Rounds that are counted; a figure of the report is their median. */
export const ROUNDS: Readonly<Record<Size, number>> = { quick: 1, full: 5 };

/** One thing that is measured by turns with others. */
export interface Contender {
  readonly name: string;
  readonly pid: number;
  /** Does the work once; resolves to how many units (tokens, requests) that was. */
  readonly work: () => Promise<number>;
}

/**
 * CPU microseconds a unit of each contender, one figure a round. They take turns, so that what else the machine does meets
 * them alike; the first rounds warm up and are not counted.
 */
export async function cpuPerUnit(
  contenders: readonly Contender[],
  rounds: number,
  warmUps = 1,
): Promise<Map<string, number[]>> {
  const figures = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < warmUps + rounds; round++) {
    for (const { name, pid, work } of contenders) {
      const before = cpuUs(pid);
      const units = await work();
      if (round >= warmUps) figures.get(name)?.push((cpuUs(pid) - before) / units);
    }
  }
  return figures;
}
