import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { Prober } from '../../pools/probing/prober';
import { Clock } from '../../time/clock';
import { TaskReporter } from '../ending/task-reporter';
import { TaskLedger, type Claim } from '../ledger/task-ledger.port';
import { EventLog } from '../events/event-log.port';
import { metricsEvent } from '../events/task-events';
import { TaskOutput, type OutputSink } from './task-output';

/** Where the outputs of all attempts go: the event log. */
@Injectable()
export class OutputStage implements OutputSink {
  readonly maxBytes: number;

  constructor(
    config: Config,
    private readonly ledger: TaskLedger,
    readonly log: EventLog,
    private readonly reporter: TaskReporter,
    private readonly prober: Prober,
    readonly clock: Clock,
  ) {
    this.maxBytes = config.taskOutputMaxBytes;
  }

  outputOf(claim: Claim, onFault: (cause: unknown) => void): TaskOutput {
    return new TaskOutput(claim, this, onFault);
  }

  begun(claim: Claim): void {
    claim.shown.startedAtMs = this.clock.wallMs();
    this.reporter.started(claim, this.clock.nowMs() - claim.claimedAtMs);
    // What is loaded now is what a task gets that names no model: not only from the next round of probes on.
    const { poolId, replicaId, loadsModel } = claim.lease;
    if (loadsModel === true) this.prober.probeSoon(poolId, replicaId);
  }

  mark(claim: Claim): Promise<boolean> {
    return this.ledger.markFirstToken(claim);
  }

  appendMetrics(claim: Claim): void {
    const { interactive, batch } = this.ledger.depth();
    const { spec, facts, remaining, isWarm } = claim;
    const { tokens } = claim.shown;
    const event = metricsEvent(
      {
        queue_depth: interactive + batch,
        on_time_probability: this.onTimeProbability(claim),
        kv_warmth: isWarm ? 1 : 0,
        tokens_out: tokens,
        tokens_budget_remaining: remaining.tokens,
        time_budget_remaining_ms: remaining.timeMs,
        cost_budget_remaining: remaining.cost,
      },
      `${tokens} of at most ${spec.maxTokens} tokens so far.`,
      facts.preparation,
    );
    this.log.append(spec.taskId, [event]);
  }

  /** How much of what may still come fits before the deadline at the pace so far, 0 to 1 in hundredths. */
  private onTimeProbability({ claimedAtMs, deadlineAtMs, spec, shown: { tokens } }: Claim): number {
    const nowMs = this.clock.nowMs();
    const neededMs = ((nowMs - claimedAtMs) / Math.max(1, tokens)) * Math.max(0, spec.maxTokens - tokens);
    const leftMs = Math.max(0, deadlineAtMs - nowMs);
    return neededMs <= leftMs ? 1 : Math.floor((leftMs / neededMs) * 100) / 100;
  }
}
