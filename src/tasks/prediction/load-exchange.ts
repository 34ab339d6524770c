import type { Clock } from '../../time/clock';
import type { PlacementConstraints } from '../../pools/placement/constraints';
import type { ArrivalRates } from './arrival-rates';
import type { PeerLoads } from './peer-loads';
import type { Paces } from './paces';
import type { Runs } from './runs';
import { textOf, reportIn } from './load-report';
import { runsToReport } from './report-runs';

/** The load reports of this node for the predictions of others, and what becomes of theirs. */
export class LoadExchange {
  /** The last report was not that there is nothing. */
  private hasReported = false;

  constructor(
    private readonly clock: Clock,
    private readonly own: {
      readonly runs: Runs;
      readonly paces: Paces;
      readonly arrivals: ArrivalRates<{ readonly id: string; readonly constraints: PlacementConstraints }>;
    },
    private readonly peers: PeerLoads,
  ) {}

  /** As long as there is something to report, and once more when there is not. */
  report(): string | undefined {
    const { runs, paces, arrivals } = this.own;
    const nowMs = this.clock.nowMs();
    // Those that fell silent count no more.
    runs.countElsewhere(this.peers.counts(nowMs), nowMs);
    const report = {
      runs: runsToReport(runs, nowMs),
      lessons: paces.takeLessons(),
      arrivals: [...arrivals.all(nowMs)].map(([{ constraints }, perMs]) => ({ constraints, perS: 1000 * perMs })),
    };
    const isNothing =
      report.runs.length + report.lessons.attempts.length + report.lessons.starts.length + report.arrivals.length === 0;
    if (isNothing && !this.hasReported) return undefined;
    this.hasReported = !isNothing;
    return textOf(report);
  }

  receive(node: string, text: string): void {
    const report = reportIn(text);
    if (!report) return;
    const nowMs = this.clock.nowMs();
    this.peers.receive(node, report, nowMs);
    this.own.runs.countElsewhere(this.peers.counts(nowMs), nowMs);
    this.own.paces.learn(report.lessons);
  }
}
