import type { Change } from '../tables/echo';
import type { EndingWrite, WriteRequest } from '../tables/protocol';

/* What the log and its writer have to know of a write. */

/** Undefined where it is of no task, or of two. */
export function taskOf(write: WriteRequest): string | undefined {
  return write.kind === 'admit' && !write.evicted ? write.task.taskId : admittedOf(write);
}

/** The task whose admission comes before it; undefined for what is no mark and no ending. */
export function admittedOf(write: WriteRequest): string | undefined {
  if (write.kind === 'mark') return write.taskId;
  return write.kind === 'end' ? write.task.taskId : undefined;
}

/** Code units of its long texts. */
export function unitsOf(write: WriteRequest): number {
  switch (write.kind) {
    case 'admit': {
      const { task, evicted } = write;
      return task.admission.length + task.prompt.length + (evicted ? unitsOfEnding(evicted) : 0);
    }
    case 'mark':
      return write.placement.length;
    case 'end':
      return unitsOfEnding(write.task);
    default:
      return 0;
  }
}

function unitsOfEnding({ placement, ending }: EndingWrite): number {
  return ending.length + (placement?.length ?? 0);
}

/** What the echo says of it. */
export function changesOf(write: WriteRequest, number: number): Change[] {
  if (write.kind === 'mark') return [{ number, kind: 'mark', subject: write.taskId }];
  if (write.kind === 'end') return [{ number, kind: 'end', subject: write.task.taskId }];
  if (write.kind !== 'admit') return [];
  const admitted: Change = { number, kind: 'admit', subject: write.task.taskId };
  return write.evicted ? [admitted, { number, kind: 'end', subject: write.evicted.taskId }] : [admitted];
}

/** The tasks that an admission, a mark or an ending is about; none of other writes of the log. */
export function taskIdsOf(write: WriteRequest): readonly string[] {
  if ('taskId' in write) return [write.taskId];
  if (!('task' in write)) return [];
  return write.kind === 'admit' && write.evicted ? [write.task.taskId, write.evicted.taskId] : [write.task.taskId];
}
