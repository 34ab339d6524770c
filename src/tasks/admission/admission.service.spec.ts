import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createInProcess, type InProcessService } from '../../../test/support/in-process';
import { TaskJournal } from '../journal/task-journal.port';
import { RecoveryService } from '../recovery/recovery.service';

const BUDGET = 1000;
let service: InProcessService;

beforeEach(async () => {
  service = await createInProcess({
    ORCHD_FALLBACK: 'wait',
    ORCHD_ADMISSION_CAPACITY: '3',
    ORCHD_SESSION_TOKENS_BUDGET: String(BUDGET),
  });
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

const task = { prompt: 'x', task_id: 't', session_id: 's', max_tokens: 10 };
const tokensLeft = async (): Promise<unknown> => {
  const { headers } = await submit({ ...task, task_id: 'another', session_id: 's' });
  return headers['x-budget-tokens-remaining'];
};

it('admits a task that is sent again once, while it lives, and does not ask the journal', async () => {
  const find = vi.spyOn(service.app.get(TaskJournal), 'find');
  const [first, second] = [await submit(task), await submit(task)];
  expect([first.statusCode, second.json()]).toEqual([202, first.json()]);
  expect((await submit({ ...task, prompt: 'y' })).json()).toMatchObject({ code: 'TASK_CONFLICT' });
  expect(find).not.toHaveBeenCalled();
  expect(await tokensLeft()).toBe(String(BUDGET - 20));
});

it('answers one that has ended as it did then, whatever would refuse a new one, and takes nothing for it', async () => {
  const first = await submit(task);
  await service.app.inject({ method: 'POST', url: '/v2/tasks/t/cancel', headers: { 'x-api-key': 'test-key' } });
  for (const fill of [[], ['a', 'b', 'c']]) {
    for (const id of fill) expect((await submit({ prompt: 'x', task_id: id, max_tokens: 1 })).statusCode).toBe(202);
    const again = await submit(task);
    expect([again.statusCode, again.json()]).toEqual([202, first.json()]);
    expect((await submit({ ...task, prompt: 'y' })).json()).toMatchObject({ code: 'TASK_CONFLICT' });
  }
  expect((await submit({ prompt: 'x', task_id: 'new' })).json()).toMatchObject({ code: 'ADMISSION_REJECT' });
  for (const id of ['a', 'b', 'c'])
    await service.app.inject({ method: 'POST', url: `/v2/tasks/${id}/cancel`, headers: { 'x-api-key': 'test-key' } });
  expect(await tokensLeft()).toBe(String(BUDGET - 10));
});
