import type { EndDraft, Ended } from '../../tasks/ledger/task-ledger.port';
import { endedUsage } from '../../tasks/ledger/ended-usage';
import type { TaskEnding, TaskUsage } from '../../tasks/task/task';
import type { Clock } from '../../time/clock';
import type { RunningTime } from '../../time/running-time';
import { EmbeddedEnded, endingOf, type EndTimes } from './embedded-ended';
import type { HeldTask } from './held-task';
import type { Lanes } from './lanes';
import type { OwedEndings } from './owed-endings';
import type { TaskAccounts } from './task-accounts';

/** How tasks end: the first ending wins, and what the task held is free at once. */
export class TaskEndings {
  /** @param gone the ending of a task was concluded: it is not live any more */
  constructor(
    private readonly lanes: Lanes,
    private readonly accounts: TaskAccounts,
    private readonly owed: OwedEndings,
    private readonly clock: Clock,
    private readonly runningTime: RunningTime,
    private readonly gone: (task: HeldTask) => void,
  ) {}

  /** @param tell its attempt, where it has one, is told that its claim is lost */
  win(task: HeldTask, draft: EndDraft, tell: boolean): Ended {
    this.take(task);
    return this.conclude(task, draft, tell);
  }

  /** It has no place any more, and nobody else touches it; {@link conclude} follows, or it is taken back. */
  take(task: HeldTask): void {
    this.lanes.remove(task);
    task.beginEnding();
  }

  /** The ending is decided: its slot is free, its timers are off, what it had reserved is settled. */
  conclude(task: HeldTask, draft: EndDraft, tell: boolean): Ended {
    task.deadline?.cancel();
    task.retry?.cancel();
    const measured = this.usageOf(task, draft);
    task.claim?.close(tell);
    const usage = { ...measured, cost: this.accounts.costOf(measured.tokensOut) };
    const settled = this.accounts.settle(task.spec, usage, draft.state === 'completed');
    const ending = endingOf(task, draft, usage, this.endTimes());
    return new EmbeddedEnded(task, draft, ending, settled, this.owed, () => {
      if (!task.isVoid) this.gone(task);
      task.settleEnding(false);
    });
  }

  /** What is written of the ending of one that was taken, before it is concluded. */
  drafted(task: HeldTask, draft: EndDraft): TaskEnding {
    return endingOf(task, draft, this.usageOf(task, draft), this.endTimes());
  }

  private usageOf({ claim, shown }: HeldTask, draft: EndDraft): TaskUsage {
    return endedUsage(draft, shown.tokens, claim ? this.clock.nowMs() - claim.claimedAtMs : 0);
  }

  private endTimes(): EndTimes {
    return { endedAtMs: this.clock.wallMs(), keptFromMs: this.runningTime.nowMs() };
  }
}
