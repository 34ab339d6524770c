import type { Lessons } from './paces';
import { arrivalsIn, rowsOfArrivals, type Coming } from './word-arrivals';
import { attemptsIn, rowsOfAttempts, rowsOfStarts, startsIn } from './word-lessons';
import { rowsOfRuns, runsIn, type ToldReplica } from './word-runs';
import { membersIn } from './word-values';

/** What a node tells the others of itself. */
export interface Word {
  readonly runs: readonly ToldReplica[];
  /** Since its last word. */
  readonly lessons: Lessons;
  readonly arrivals: readonly Coming[];
}

/** Of one that means something else by these members, nothing is understood. */
const VERSION = 1;

export function textOf({ runs, lessons, arrivals }: Word): string {
  return JSON.stringify({
    v: VERSION,
    runs: rowsOfRuns(runs),
    attempts: rowsOfAttempts(lessons),
    starts: rowsOfStarts(lessons),
    coming: rowsOfArrivals(arrivals),
  });
}

/** What another node has told; nothing of what cannot be read, so that nodes of two versions do each other no harm. */
export function wordIn(text: string): Word | undefined {
  const word = membersIn(parsed(text));
  if (word['v'] !== VERSION) return undefined;
  return {
    runs: runsIn(word['runs']),
    lessons: { attempts: attemptsIn(word['attempts']), starts: startsIn(word['starts']) },
    arrivals: arrivalsIn(word['coming']),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
