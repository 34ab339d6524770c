import type { ServiceError } from '../../errors/service-error';
import type { Spend } from '../../sessions/session-store.port';
import type { EndDraft, Ended } from '../../tasks/ledger/task-ledger.port';
import type { StoringTranscript } from '../../tasks/task/storing-transcript';
import type { AdmissionFacts, TaskEnding, TaskSpec } from '../../tasks/task/task';
import type { Alarms } from '../../time/alarms';
import type { Store } from './connection/store';
import type { StoreTask } from './held-task';
import type { HeldTasks } from './held-tasks';
import { recordScript } from './scripts/attempt-scripts';
import type { StoredEnding } from './task-fields';

/** How long a client waits for an ending to be durable before it is told all the same. */
const PATIENCE_MS = 1000;
const RETRY_MS = 500;

/** An ending that this node has won. */
export class StoreEnded implements Ended {
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  readonly isWarm: boolean;
  readonly terminalSeq: number | undefined;
  /** Somebody else has it: this node was thought dead. Then nobody is told anything here. */
  isVoid = false;
  private isWritten = false;
  private isConcluded = false;

  constructor(
    private readonly task: StoreTask,
    readonly draft: EndDraft,
    readonly ending: TaskEnding,
    private kept: StoredEnding,
    readonly remaining: Spend,
    private readonly held: HeldTasks,
    private readonly store: Store,
    private readonly alarms: Alarms,
  ) {
    this.spec = task.spec;
    this.facts = task.facts;
    this.isWarm = task.claim?.isWarm ?? false;
    this.terminalSeq = task.shown.terminalSeq;
  }

  async record(transcript?: StoringTranscript, hasUnseen = false): Promise<boolean> {
    transcript?.hurry();
    await transcript?.stored;
    const written = this.write(transcript?.isStored === true ? transcript.id : '');
    await (hasUnseen ? written : Promise.race([written, this.patience()]));
    return this.isWritten && !this.isVoid;
  }

  revise({ code, message }: ServiceError): void {
    this.kept = { ...this.kept, state: 'failed', code, message };
  }

  concluded(): void {
    this.isConcluded = true;
    if (this.isWritten || this.isVoid) this.held.remove(this.task);
    this.task.settleOver();
  }

  /** Until it is written, or somebody else's: while this node is cut off its lease lapses, and who takes the task over does it. */
  private async write(transcriptArtifactId: string): Promise<void> {
    for (;;) {
      try {
        const { taskId, token } = this.task;
        const done = await this.store.runDurably(
          recordScript,
          taskId,
          token,
          JSON.stringify(this.kept),
          transcriptArtifactId,
        );
        this.isWritten = done === 1;
        this.isVoid = done !== 1;
        if (this.isVoid) this.held.lose(this.task);
        else if (this.isConcluded) this.held.remove(this.task);
        return;
      } catch {
        if (this.held.get(this.task.taskId) !== this.task) {
          this.isVoid = true;
          return;
        }
        await new Promise<void>(resolve => this.alarms.after(RETRY_MS, resolve));
      }
    }
  }

  private patience(): Promise<void> {
    return new Promise(resolve => this.alarms.after(PATIENCE_MS, resolve));
  }
}
