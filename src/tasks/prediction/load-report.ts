import type { Lessons } from './paces';
import { arrivalsIn, rowsOfArrivals, type ArrivalRate } from './report-arrivals';
import { attemptsIn, rowsOfAttempts, rowsOfStarts, startsIn } from './report-lessons';
import { rowsOfRuns, runsIn, type ReportedReplica } from './report-runs';
import { membersIn } from './report-values';

/** What a node reports to the others of itself. */
export interface LoadReport {
  readonly runs: readonly ReportedReplica[];
  /** Since its last report. */
  readonly lessons: Lessons;
  readonly arrivals: readonly ArrivalRate[];
}

/** Of one that means something else by these members, nothing is understood. */
const VERSION = 1;

export function textOf({ runs, lessons, arrivals }: LoadReport): string {
  return JSON.stringify({
    v: VERSION,
    runs: rowsOfRuns(runs),
    attempts: rowsOfAttempts(lessons),
    starts: rowsOfStarts(lessons),
    coming: rowsOfArrivals(arrivals),
  });
}

/** What another node has reported; nothing of what cannot be read, so that nodes of two versions do each other no harm. */
export function reportIn(text: string): LoadReport | undefined {
  const report = membersIn(parsed(text));
  if (report['v'] !== VERSION) return undefined;
  return {
    runs: runsIn(report['runs']),
    lessons: { attempts: attemptsIn(report['attempts']), starts: startsIn(report['starts']) },
    arrivals: arrivalsIn(report['coming']),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
