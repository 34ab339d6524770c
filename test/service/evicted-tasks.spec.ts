import { afterEach, beforeEach, expect, it } from 'vitest';
import { startService, type RunningService } from '../support/service';
import { TaskClient } from '../support/task-client';

let service: RunningService;
let tasks: TaskClient;

beforeEach(async () => {
  service = await startService({
    env: {
      ORCHD_UNSERVED_CAPACITY: '1',
      ORCHD_ADMISSION_POLICY: 'drop-lru',
      ORCHD_FALLBACK: 'wait',
      // A log goes as soon as its task has ended, so what is read afterwards is of the transcript.
      ORCHD_EVENT_CACHE_BYTES: '0',
    },
  });
  tasks = new TaskClient(service);
});
afterEach(() => service.stop());

/** A task that made room for another. */
async function dropped(): Promise<{ view: Record<string, unknown>; type: string | undefined }> {
  const view = await tasks.reached('old', 'dropped');
  const { events } = await tasks.read('old');
  return { view, type: events.at(-1)?.type };
}

it('keeps the transcript of a task that made room for another, whatever the database has of it', async () => {
  await tasks.submit({ task_id: 'old' });
  await tasks.submit({ task_id: 'new' });
  const first = await dropped();
  expect(first).toMatchObject({ view: { error: { code: 'QUEUE_FULL_DROP_LRU' } }, type: 'error' });
  expect(first.view['transcript_artifact_id']).toMatch(/^[0-9a-f]{64}$/);
  // A list waits until the database has all of it.
  expect(await tasks.idsInState('dropped')).toEqual(['old']);
  expect(await dropped()).toEqual(first);
});
