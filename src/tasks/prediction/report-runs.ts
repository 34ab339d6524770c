import type { Run, Runs } from './runs';
import { sampleOf } from './sample';
import { ID_MAX, isAmount, isText, listIn } from './report-values';

/**
 * Milliseconds and tokens, whole: since it took its slot; since its first output, −1 where there is none; tokens by now; of its prompt; asked. Ages, for
 * the clocks of two nodes have nothing to do with each other.
 */
export type ReportedAttempt = readonly [
  ageMs: number,
  outputAgeMs: number,
  tokens: number,
  promptTokens: number,
  askedTokens: number,
];

/** How many attempts a node has on a replica, and some of them that stand for all. */
export interface ReportedReplica {
  readonly replica: string;
  readonly attempts: number;
  readonly sample: readonly ReportedAttempt[];
}

/** Attempts in one report; of more, an even sample. With their replicas' names some 4 KB, and 48 KB with the longest names. */
const ATTEMPTS_MAX = 128;
/** As many slots as a replica may have. */
const SLOTS_MAX = 4096;
const NAME_MAX = 2 * ID_MAX + 1;

/** What this node runs, as it is reported. */
export function runsToReport(runs: Runs, nowMs: number): readonly ReportedReplica[] {
  const byReplica = new Map<string, ReportedAttempt[]>();
  for (const run of sampleOf([...runs.all()], ATTEMPTS_MAX)) {
    const known = byReplica.get(run.replica);
    if (known) known.push(reported(run, nowMs));
    else byReplica.set(run.replica, [reported(run, nowMs)]);
  }
  return [...byReplica].map(([replica, sample]) => ({ replica, attempts: runs.on(replica).length, sample }));
}

function reported(
  { startedAtMs, firstOutputAtMs, tokens, promptTokens, askedTokens }: Run,
  nowMs: number,
): ReportedAttempt {
  const outputAgeMs = firstOutputAtMs === undefined ? -1 : Math.round(nowMs - firstOutputAtMs);
  return [Math.round(nowMs - startedAtMs), outputAgeMs, tokens, Math.round(promptTokens), askedTokens];
}

export function rowsOfRuns(runs: readonly ReportedReplica[]): readonly unknown[] {
  return runs.map(({ replica, attempts, sample }) => [replica, attempts, sample]);
}

export function runsIn(rows: unknown): readonly ReportedReplica[] {
  let left = ATTEMPTS_MAX;
  return listIn(rows).flatMap((row): ReportedReplica[] => {
    const [replica, attempts, sample] = listIn(row);
    if (!isText(replica, NAME_MAX) || !isAmount(attempts) || attempts > SLOTS_MAX) return [];
    const readable = listIn(sample).filter(isAttempt).slice(0, left);
    left -= readable.length;
    return readable.length > 0 ? [{ replica, attempts, sample: readable }] : [];
  });
}

function isAttempt(value: unknown): value is ReportedAttempt {
  const [ageMs, outputAgeMs, ...amounts] = listIn(value);
  return (
    isAmount(ageMs) && (outputAgeMs === -1 || isAmount(outputAgeMs)) && amounts.length === 3 && amounts.every(isAmount)
  );
}
