import type { ServiceError } from '../../errors/service-error';
import type { Spend } from '../../sessions/session-store.port';
import type { EndDraft, Ended } from '../../tasks/ledger/task-ledger.port';
import type { SessionUsage } from '../../tasks/journal/task-journal.port';
import type { StoringTranscript } from '../../tasks/task/storing-transcript';
import type { AdmissionFacts, TaskEnding, TaskSpec, TaskUsage } from '../../tasks/task/task';
import type { HeldTask } from './held-task';
import type { OwedEndings } from './owed-endings';

/** What the session of an ended task stands at. */
export interface Settled {
  readonly remaining: Spend;
  /** What the journal keeps of the session; absent for a task's own, which ends with it. */
  readonly session?: SessionUsage;
}

/** An ending that was won. */
export class EmbeddedEnded implements Ended {
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  readonly isWarm: boolean;
  readonly terminalSeq: number | undefined;
  readonly remaining: Spend;
  private readonly session: SessionUsage | undefined;

  constructor(
    private readonly task: HeldTask,
    readonly draft: EndDraft,
    readonly ending: TaskEnding,
    settled: Settled,
    private readonly endings: OwedEndings,
    readonly concluded: () => void,
  ) {
    this.spec = task.spec;
    this.facts = task.facts;
    this.isWarm = task.claim?.isWarm ?? false;
    this.terminalSeq = task.shown.terminalSeq;
    this.remaining = settled.remaining;
    this.session = settled.session;
  }

  get isVoid(): boolean {
    return this.task.isVoid;
  }

  async record(transcript: StoringTranscript | undefined, hasUnseen = false): Promise<boolean> {
    const { ending, session, task } = this;
    if (task.isVoid) return false;
    // The journal writes in the order of the calls, and refuses this with the admission: it need not wait for that.
    const isAdmitted = task.durable.then(
      () => true,
      () => false,
    );
    return this.endings.record({ ending, session, transcript }, hasUnseen, isAdmitted);
  }

  revise({ code, message }: ServiceError): void {
    this.endings.revise({ ...this.ending, state: 'failed', code, message });
  }
}

/** By the wall, and in running time. */
export type EndTimes = Pick<TaskEnding, 'endedAtMs' | 'keptFromMs'>;

export function endingOf(task: HeldTask, draft: EndDraft, usage: TaskUsage, at: EndTimes): TaskEnding {
  const failed = draft.state === 'completed' ? undefined : draft.error;
  const { placement, shown } = task;
  return {
    taskId: task.taskId,
    state: draft.state,
    code: failed?.code,
    message: failed?.message,
    endedAtMs: at.endedAtMs,
    keptFromMs: at.keptFromMs,
    usage,
    placement,
    attempts: task.attempts,
    startedAtMs: shown.startedAtMs,
  };
}
