import type { WriteRequest } from './protocol';

type Write<Kind> = Extract<WriteRequest, { kind: Kind }>;

/** A task's admission, mark and ending, all in one group of writes. */
export interface Life {
  readonly admission: Write<'admit'>;
  readonly mark: Write<'mark'> | undefined;
  readonly ending: Write<'end'>;
}

/**
 * Which of the writes are parts of whole lives: a life at the place of its ending, and null at those of its admission and mark. A task
 * that evicted another, or whose id came before, is none.
 */
export function wholeLives(writes: readonly WriteRequest[]): Map<number, Life | null> {
  const lives = new Map<number, Life | null>();
  const begun = new Map<string, { admittedAt: number; markedAt?: number }>();
  const admitted = new Set<string>();
  writes.forEach((write, at) => {
    if (write.kind === 'admit') {
      const { taskId } = write.task;
      if (write.evicted) begun.delete(write.evicted.taskId);
      if (write.evicted || admitted.has(taskId)) begun.delete(taskId);
      else begun.set(taskId, { admittedAt: at });
      admitted.add(taskId);
    } else if (write.kind === 'mark') {
      const task = begun.get(write.taskId);
      if (task) task.markedAt = at;
    } else if (write.kind === 'end') {
      const task = begun.get(write.task.taskId);
      if (!task) return;
      begun.delete(write.task.taskId);
      const { admittedAt, markedAt } = task;
      lives.set(admittedAt, null);
      if (markedAt !== undefined) lives.set(markedAt, null);
      lives.set(at, {
        admission: writes[admittedAt] as Write<'admit'>,
        mark: markedAt === undefined ? undefined : (writes[markedAt] as Write<'mark'>),
        ending: write,
      });
    }
  });
  return lives;
}
