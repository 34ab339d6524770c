import type { AdmissionWrite, EndingWrite, FoundRow, WriteRequest } from './protocol';
import { firstEndState, namedTranscript, queuedState, streamingState, withTranscript } from './record-codec';
import type { TaskRow } from './rows';

/** Of a row that was never on a disk: nobody looks at it. */
const NO_CHECKSUM = 0;

/** What the database will have of a task once it has this write too. One that it has already changes nothing. */
export function rowAfter(found: FoundRow | undefined, write: WriteRequest, taskId: string): FoundRow | undefined {
  switch (write.kind) {
    case 'admit': {
      const row = found ?? (write.task.taskId === taskId ? admitted(write.task) : undefined);
      return write.evicted?.taskId === taskId ? ended(row, write.evicted) : row;
    }
    case 'mark':
      return write.taskId === taskId ? marked(found, write.placement) : found;
    case 'end':
      return write.task.taskId === taskId ? ended(found, write.task) : found;
    default:
      return found; // The log has no other kinds.
  }
}

function admitted({ seq, taskId, sessionId, admittedAtMs, admission, prompt }: AdmissionWrite): FoundRow {
  return {
    task: [seq, taskId, sessionId, admittedAtMs, queuedState, 0, null, admission, null, null, NO_CHECKSUM],
    prompt,
  };
}

function marked(found: FoundRow | undefined, placement: string): FoundRow | undefined {
  if (!found || hasEnded(found)) return found;
  const [seq, taskId, sessionId, admittedAtMs, , , , admission] = found.task;
  const live = [streamingState, 1, null, admission, placement, null, NO_CHECKSUM] as const;
  return { task: [seq, taskId, sessionId, admittedAtMs, ...live], prompt: found.prompt };
}

function ended(
  found: FoundRow | undefined,
  { state, keptFromMs, placement, ending }: EndingWrite,
): FoundRow | undefined {
  if (!found) return undefined;
  if (hasEnded(found)) return named(found, namedTranscript(ending));
  const [seq, taskId, sessionId, admittedAtMs, , isMarked, , admission, before] = found.task;
  const over = [state, isMarked, keptFromMs, admission, placement ?? before, ending, NO_CHECKSUM] as const;
  const task: TaskRow = [seq, taskId, sessionId, admittedAtMs, ...over];
  return { task, prompt: undefined };
}

function named(found: FoundRow, artifactId: string | undefined): FoundRow {
  const [seq, taskId, sessionId, admittedAtMs, state, isMarked, keptFromMs, admission, placement, before] = found.task;
  const ending = artifactId !== undefined && before !== null && withTranscript(before, artifactId);
  if (!ending) return found;
  const over = [state, isMarked, keptFromMs, admission, placement, ending, NO_CHECKSUM] as const;
  return { task: [seq, taskId, sessionId, admittedAtMs, ...over], prompt: undefined };
}

function hasEnded({ task: [, , , , state] }: FoundRow): boolean {
  return state >= firstEndState;
}
