import type { Clock } from '../../time/clock';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import type { ArrivalRates } from './arrival-rates';
import type { Others } from './others';
import type { Paces } from './paces';
import type { Runs } from './runs';
import { textOf, wordIn } from './word';
import { runsToTell } from './word-runs';

/** What this node has to tell the others for their predictions, and what becomes of what they tell it. */
export class Talk {
  /** What others were told last was not that there is nothing. */
  private hasTold = false;

  constructor(
    private readonly clock: Clock,
    private readonly own: {
      readonly runs: Runs;
      readonly paces: Paces;
      readonly arrivals: ArrivalRates<{ readonly id: string; readonly constraints: PlacementConstraints }>;
    },
    private readonly others: Others,
  ) {}

  /** As long as there is something to tell, and once more when there is not. */
  say(): string | undefined {
    const { runs, paces, arrivals } = this.own;
    const nowMs = this.clock.nowMs();
    // Those that fell silent count no more.
    runs.countElsewhere(this.others.counts(nowMs), nowMs);
    const word = {
      runs: runsToTell(runs, nowMs),
      lessons: paces.takeLessons(),
      arrivals: [...arrivals.all(nowMs)].map(([{ constraints }, perMs]) => ({ constraints, perS: 1000 * perMs })),
    };
    const isNothing =
      word.runs.length + word.lessons.attempts.length + word.lessons.starts.length + word.arrivals.length === 0;
    if (isNothing && !this.hasTold) return undefined;
    this.hasTold = !isNothing;
    return textOf(word);
  }

  hear(node: string, text: string): void {
    const word = wordIn(text);
    if (!word) return;
    const nowMs = this.clock.nowMs();
    this.others.hear(node, word, nowMs);
    this.own.runs.countElsewhere(this.others.counts(nowMs), nowMs);
    this.own.paces.learn(word.lessons);
  }
}
