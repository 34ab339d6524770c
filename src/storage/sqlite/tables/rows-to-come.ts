import type { EndingWrite, FoundRow, WriteRequest } from './protocol';
import { firstEndState, queuedState, streamingState } from './record-codec';
import type { TaskRow } from './rows';

/** Of a row that was never on a disk: nobody looks at it. */
const NO_CHECKSUM = 0;

/** What the database will have of a task once it has this write too. One that it has already changes nothing. */
export function rowAfter(found: FoundRow | undefined, write: WriteRequest, taskId: string): FoundRow | undefined {
  if (write.kind === 'admit') {
    if (write.evicted?.taskId === taskId) return ended(found, write.evicted);
    return found ?? admitted(write);
  }
  if (write.kind === 'mark') return marked(found, write.placement);
  return write.kind === 'end' ? ended(found, write.task) : found;
}

function admitted({ task }: Extract<WriteRequest, { kind: 'admit' }>): FoundRow {
  const { seq, taskId, sessionId, admittedAtMs, admission, prompt } = task;
  return {
    task: [seq, taskId, sessionId, admittedAtMs, queuedState, 0, null, admission, null, null, NO_CHECKSUM],
    prompt,
  };
}

function marked(found: FoundRow | undefined, placement: string): FoundRow | undefined {
  if (!found || hasEnded(found)) return found;
  const [seq, taskId, sessionId, admittedAtMs, , , keptFromMs, admission] = found.task;
  return {
    ...found,
    task: [
      seq,
      taskId,
      sessionId,
      admittedAtMs,
      streamingState,
      1,
      keptFromMs,
      admission,
      placement,
      null,
      NO_CHECKSUM,
    ],
  };
}

function ended(
  found: FoundRow | undefined,
  { state, keptFromMs, placement, ending }: EndingWrite,
): FoundRow | undefined {
  if (!found || hasEnded(found)) return found;
  const [seq, taskId, sessionId, admittedAtMs, , isMarked, , admission, before] = found.task;
  const placed = placement ?? before;
  const task: TaskRow = [
    ...([seq, taskId, sessionId, admittedAtMs, state, isMarked, keptFromMs, admission, placed, ending] as const),
    NO_CHECKSUM,
  ];
  return { task, prompt: undefined };
}

function hasEnded({ task: [, , , , state] }: FoundRow): boolean {
  return state >= firstEndState;
}
