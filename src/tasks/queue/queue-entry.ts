import type { AdmissionFacts, TaskSpec } from '../task';
import type { QueueEntry } from './task-queue.port';

/** What the queue keeps of a task that has this place in the order. */
export function queueEntryOf(spec: TaskSpec, { orderKey, seq }: Pick<AdmissionFacts, 'orderKey' | 'seq'>): QueueEntry {
  const { taskId, priority, constraints, prompt } = spec;
  return { taskId, priority, constraints, orderKey, seq, bytes: Buffer.byteLength(prompt) };
}
