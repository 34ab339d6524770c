import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config';
import { ServiceError } from '../../errors/service-error';
import type { SessionView } from '../../sessions/session-store.port';
import { TaskAccounts } from '../accounts/task-accounts';
import { TaskReporter } from '../ending/task-reporter';
import type { TaskSpec } from '../task';
import type { Admission } from './admission';
import { AdmissionRules } from './admission-rules';
import { Backoff } from './backoff';
import { Enqueuer } from './enqueuer';
import { KnownTasks } from './known-tasks';
import { EXPECTED_TOKENS_TOO_MANY, oversized } from './task-spec';

/** Admits tasks, or says at once why not and when to come back. */
@Injectable()
export class AdmissionService {
  /** Admissions under way, so that the same task sent twice at once is admitted once. */
  private readonly underWay = new Map<
    string,
    { readonly requestHash: string; readonly admission: Promise<Admission> }
  >();

  constructor(
    private readonly config: Config,
    private readonly rules: AdmissionRules,
    private readonly known: KnownTasks,
    private readonly accounts: TaskAccounts,
    private readonly enqueuer: Enqueuer,
    private readonly backoff: Backoff,
    private readonly reporter: TaskReporter,
  ) {}

  /**
   * Resolves once the task is durable and queued; the same task again gets the same answer.
   * @param isNamedByUs the id was made for this request: nobody can have sent it before, so the journal is not asked for it
   * @throws ServiceError TASK_CONFLICT, ADMISSION_REJECT, QUEUE_FULL_DROP_LRU, BUDGET_EXHAUSTED, DEADLINE_UNMET,
   *   POOL_UNAVAILABLE, MODEL_RETIRED, MODEL_UNVERIFIED, STORAGE_UNAVAILABLE, NOT_READY, SHUTTING_DOWN
   */
  async admit(spec: TaskSpec, requestHash: string, isNamedByUs: boolean): Promise<Admission> {
    const other = this.underWay.get(spec.taskId);
    if (other) {
      if (other.requestHash !== requestHash) throw new ServiceError('TASK_CONFLICT', { field: 'task_id' });
      return other.admission;
    }
    const admission = this.admitFirst(spec, requestHash, isNamedByUs);
    this.underWay.set(spec.taskId, { requestHash, admission });
    try {
      return await admission;
    } catch (thrown) {
      if (thrown instanceof ServiceError) this.reporter.rejected(spec, thrown);
      throw thrown;
    } finally {
      this.underWay.delete(spec.taskId);
    }
  }

  private async admitFirst(spec: TaskSpec, requestHash: string, isNamedByUs: boolean): Promise<Admission> {
    this.rules.assertOpen();
    if (isNamedByUs) return this.admitNew(spec, requestHash);
    const live = await this.known.findLive(spec.taskId, requestHash);
    if (live) return live;
    try {
      return await this.admitNew(spec, requestHash);
    } catch (thrown) {
      // The journal takes no id twice: a task that has ended comes this way, and need not be looked for among all that are new.
      const known = await this.known.find(spec.taskId, requestHash);
      if (known) return known;
      throw thrown;
    }
  }

  private async admitNew(spec: TaskSpec, requestHash: string): Promise<Admission> {
    await this.refuseOversized(spec);
    const assessment = await this.rules.assess(spec);
    const reserved = await this.accounts.reserve(spec);
    if (!reserved.ok) throw this.budgetError(reserved.budget, reserved.spent, reserved.session);
    const { remaining } = reserved.session;
    try {
      const preparation = this.rules.preparation(spec, assessment);
      const facts = await this.enqueuer.enqueue({ spec, requestHash, assessment, preparation, remaining });
      return { spec, facts, remaining };
    } catch (thrown) {
      await this.accounts.giveBack(spec);
      throw thrown;
    }
  }

  private async refuseOversized(spec: TaskSpec): Promise<void> {
    const code = oversized(spec);
    if (code === undefined) return;
    // Under drop-lru a full queue makes room before the task is looked at, and it is refused all the same.
    if (code === 'QUEUE_FULL_DROP_LRU') await this.enqueuer.makeRoom();
    throw new ServiceError(code, {
      field: 'expected_tokens',
      message: `expected_tokens must be below ${EXPECTED_TOKENS_TOO_MANY}`,
      // The hint stands in the request, so waiting alone changes nothing.
      retriable: false,
      policyLabel: this.config.admissionPolicy,
      retryAfterMs: this.backoff.adviseMs(),
    });
  }

  /** Spent for good: come back when the session has lapsed. Only reserved: when tasks of the session have ended. */
  private budgetError(budget: string, spent: boolean, session: SessionView): ServiceError {
    const message = spent
      ? `the session's ${budget} budget is spent or too small for this task`
      : `the session's ${budget} budget is reserved by tasks that still run`;
    const retryAfterMs = spent ? session.ttlMsRemaining : this.backoff.adviseMs();
    return new ServiceError('BUDGET_EXHAUSTED', { message, retriable: !spent, retryAfterMs });
  }
}
