import { Injectable } from '@nestjs/common';
import { ServiceError } from '../../errors/service-error';
import type { Spend } from '../../sessions/session-store.port';
import { SessionBudgets } from '../lookup/session-budgets';
import { Dispatcher } from '../dispatch/dispatcher';
import { Finisher } from '../ending/finisher';
import { TaskReporter } from '../ending/task-reporter';
import { TaskLedger, type Admitted, type Submission } from '../ledger/task-ledger.port';
import { TaskRecords } from '../ledger/task-records.port';
import { EventLog } from '../events/event-log.port';
import type { AdmissionFacts, TaskSpec } from '../task/task';
import { AdmissionRules } from './admission-rules';
import { Refusals } from './refusals';

/** What a client is told of an accepted task. */
export interface Admission {
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  /** What its session can still use. */
  readonly remaining: Spend;
}

/** Admits tasks, or says at once why not and when to come back. */
@Injectable()
export class AdmissionService {
  constructor(
    private readonly rules: AdmissionRules,
    private readonly refusals: Refusals,
    private readonly ledger: TaskLedger,
    private readonly records: TaskRecords,
    private readonly budgets: SessionBudgets,
    private readonly log: EventLog,
    private readonly dispatcher: Dispatcher,
    private readonly finisher: Finisher,
    private readonly reporter: TaskReporter,
  ) {}

  /**
   * Resolves once the task is durable and queued; the same task again gets the same answer.
   * @param isNamedByUs the id was made for this request: nobody can have sent it before, so nobody is asked for it
   * @throws ServiceError TASK_CONFLICT, ADMISSION_REJECT, QUEUE_FULL_DROP_LRU, BUDGET_EXHAUSTED, DEADLINE_UNMET,
   *   POOL_UNAVAILABLE, MODEL_RETIRED, MODEL_UNVERIFIED, STORAGE_UNAVAILABLE, NOT_READY, SHUTTING_DOWN
   */
  async admit(spec: TaskSpec, requestHash: string, isNamedByUs: boolean): Promise<Admission> {
    try {
      this.rules.assertOpen();
      return await (isNamedByUs ? this.admitNew(spec, requestHash) : this.admitNamed(spec, requestHash));
    } catch (thrown) {
      if (thrown instanceof ServiceError) this.reporter.rejected(spec, thrown);
      throw thrown;
    }
  }

  private async admitNamed(spec: TaskSpec, requestHash: string): Promise<Admission> {
    try {
      // One whose events are still here has ended and is asked for below; a live one is known, whatever would refuse a new one.
      const isNew = !(await this.log.tail(spec.taskId)) && !(await this.ledger.find(spec.taskId));
      if (isNew) return await this.admitNew(spec, requestHash);
      const known = await this.knownBefore(spec.taskId, requestHash);
      return known ?? (await this.admitNew(spec, requestHash));
    } catch (thrown) {
      // The ledger takes no id twice: a task that has ended comes this way, and need not be looked for among all that are new.
      const known = await this.knownBefore(spec.taskId, requestHash);
      if (known) return known;
      throw thrown;
    }
  }

  /** @throws ServiceError TASK_CONFLICT when the id is taken by another request */
  private async knownBefore(taskId: string, requestHash: string): Promise<Admission | undefined> {
    await this.ledger.confirm(taskId);
    const record = await this.records.find(taskId);
    if (!record) return undefined;
    const { spec, facts, ending } = record;
    if (facts.requestHash !== requestHash) throw new ServiceError('TASK_CONFLICT', { field: 'task_id' });
    return { spec, facts, remaining: await this.budgets.remainingFor(spec, ending?.usage) };
  }

  private async admitNew(spec: TaskSpec, requestHash: string): Promise<Admission> {
    await this.refusals.refuseOversized(spec);
    const submission = await this.rules.judge(spec, requestHash);
    const outcome = await this.ledger.admit(submission);
    switch (outcome.kind) {
      case 'admitted':
        return this.begin(submission, outcome);
      case 'known': {
        const { facts, remaining } = outcome;
        await outcome.durable;
        return { spec: outcome.spec, facts, remaining };
      }
      case 'conflict':
        throw new ServiceError('TASK_CONFLICT', { field: 'task_id' });
      case 'full':
        throw this.refusals.full(outcome);
      case 'over-budget':
        throw this.refusals.overBudget(outcome);
    }
  }

  /** The engine is asked while the admission becomes durable; nothing is shown or acknowledged before that. */
  private async begin({ spec }: Submission, { facts, remaining, claim, durable }: Admitted): Promise<Admission> {
    this.log.open(spec.taskId);
    if (claim) this.dispatcher.start(claim);
    try {
      const dropped = await durable;
      if (dropped) await this.finisher.conclude(dropped);
    } catch (thrown) {
      this.log.drop(spec.taskId);
      throw thrown;
    }
    this.rules.admitted(spec);
    this.reporter.admitted(spec, facts);
    return { spec, facts, remaining };
  }
}
