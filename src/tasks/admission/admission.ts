import type { Spend } from '../../sessions/session-store.port';
import type { AdmissionFacts, TaskSpec } from '../task/task';

/** What a client is told of an accepted task. */
export interface Admission {
  readonly spec: TaskSpec;
  readonly facts: AdmissionFacts;
  /** What its session can still use. */
  readonly remaining: Spend;
}
