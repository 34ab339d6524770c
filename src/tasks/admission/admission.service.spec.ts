import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createInProcess, type InProcessService } from '../../../test/support/in-process';
import { TaskJournal } from '../journal/task-journal.port';
import { RecoveryService } from '../recovery/recovery.service';

let service: InProcessService;

beforeEach(async () => {
  service = await createInProcess({ ORCHD_FALLBACK: 'wait' });
  await service.app.init();
  await service.app.get(RecoveryService).run();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await service.app.get(TaskJournal).close();
  await service.close();
});

const submit = (payload: object) =>
  service.app.inject({ method: 'POST', url: '/v2/tasks', headers: { 'x-api-key': 'test-key' }, payload });

it('asks the journal for tasks that a client has named, and for no other', async () => {
  const find = vi.spyOn(service.app.get(TaskJournal), 'find');
  for (const task_id of [undefined, null]) expect((await submit({ prompt: 'x', task_id })).statusCode).toBe(202);
  expect(find).not.toHaveBeenCalled();
  const [first, second] = [await submit({ prompt: 'x', task_id: 't' }), await submit({ prompt: 'x', task_id: 't' })];
  expect([first.statusCode, second.json()]).toEqual([202, first.json()]);
  expect(find).toHaveBeenCalledTimes(2);
});
