import type { RunningService } from '../support/service';
import { openEvents } from '../support/sse-client';
import type { SseEvent } from '../support/sse-stream';

/** What a client knows of a task when the service is killed under it. */
export interface Witness {
  readonly taskId: string;
  /** The 202 came. */
  acked: boolean;
  /** Every event that was read, in order. */
  readonly events: SseEvent[];
}

/** Submits a task and, unless told not to, reads its events until the connection dies. Never rejects: the service may be dead. */
export async function submitAndRead(service: RunningService, witness: Witness, task: object, read: boolean): Promise<void> {
  try {
    const answer = await service.request('POST', '/v2/tasks', {
      headers: { 'X-Correlation-Id': witness.taskId },
      body: { task_id: witness.taskId, prompt: 'Go on.', on_disconnect: 'continue', deadline_ms: 600_000, ...task },
    });
    if (answer.status !== 202) return;
    witness.acked = true;
    if (!read) return;
    const stream = await openEvents(`${service.url}/v2/tasks/${witness.taskId}/events`, { headers: { 'X-API-Key': service.apiKey } });
    await stream.finished(60_000).catch(() => undefined);
    witness.events.push(...stream.events);
    stream.close();
  } catch {
    // The connection was refused or cut: what is in the witness is what the client has.
  }
}
