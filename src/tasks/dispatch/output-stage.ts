import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { Clock } from '../../time/clock';
import { TaskReporter } from '../ending/task-reporter';
import { TaskJournal } from '../journal/task-journal.port';
import type { LiveTask } from '../live/live-task';
import { LiveTasks } from '../live/live-tasks';
import { TaskQueue } from '../queue/task-queue.port';
import { EventLog } from '../stream/event-log.port';
import { metricsEvent } from '../stream/task-events';
import type { Placement, TaskEvent } from '../task';
import { TaskOutput, type OutputSink } from './task-output';

/** Where the outputs of all attempts go: the event log, with a copy on the journal's thread. */
@Injectable()
export class OutputStage implements OutputSink {
  constructor(
    private readonly config: Config,
    private readonly log: EventLog,
    private readonly journal: TaskJournal,
    private readonly live: LiveTasks,
    private readonly queue: TaskQueue,
    private readonly reporter: TaskReporter,
    private readonly clock: Clock,
  ) {}

  get maxBytes(): number {
    return this.config.taskOutputMaxBytes;
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  outputOf(task: LiveTask, placement: Placement): TaskOutput {
    return new TaskOutput(task, placement, this);
  }

  async firstOutput(task: LiveTask, placement: Placement): Promise<void> {
    task.startedAtMs = this.clock.wallMs();
    const firstTokenMs = this.nowMs() - (task.runningSinceMs ?? this.nowMs());
    await this.journal.markFirstToken(task.id, placement);
    if (!this.live.advance(task, 'streaming')) return;
    this.reporter.started(task, placement, firstTokenMs);
  }

  append(task: LiveTask, events: readonly TaskEvent[]): number {
    const firstSeq = task.events + 1;
    task.events += events.length;
    const bytes = this.log.append(task.id, events);
    this.journal.copyEvents(task.id, firstSeq, events);
    return bytes;
  }

  appendMetrics(task: LiveTask): void {
    const { interactive, batch } = this.queue.depth();
    const { tokens, remaining, spec } = task;
    const event = metricsEvent(
      {
        queue_depth: interactive + batch,
        on_time_probability: this.onTimeProbability(task),
        kv_warmth: task.warm ? 1 : 0,
        tokens_out: tokens,
        tokens_budget_remaining: remaining.tokens,
        time_budget_remaining_ms: remaining.timeMs,
        cost_budget_remaining: remaining.cost,
      },
      `${tokens} of at most ${spec.maxTokens} tokens so far.`,
      task.facts.preparation,
    );
    this.append(task, [event]);
  }

  /** How much of what may still come fits before the deadline at the pace so far, 0 to 1 in hundredths. */
  private onTimeProbability(task: LiveTask): number {
    const nowMs = this.nowMs();
    const elapsedMs = nowMs - (task.runningSinceMs ?? nowMs);
    const neededMs = (elapsedMs / Math.max(1, task.tokens)) * Math.max(0, task.spec.maxTokens - task.tokens);
    const leftMs = Math.max(0, task.deadlineAtMs - nowMs);
    return neededMs <= leftMs ? 1 : Math.floor((leftMs / neededMs) * 100) / 100;
  }
}
