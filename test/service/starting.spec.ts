import { describe, expect, it } from 'vitest';
import { RecoveryService } from '../../src/tasks/recovery/recovery.service';
import { createInProcess } from '../support/in-process';

describe('a service that has not looked yet at what was left', () => {
  it('lets readers wait, for an EventSource would take a refusal for the end', async () => {
    const starting = await createInProcess();
    try {
      await starting.app.init();
      const ask = (path: string) =>
        starting.app.inject({ method: 'GET', url: path, headers: { 'x-api-key': 'test-key' } });
      let answered = false;
      const events = ask('/v2/tasks/unknown/events').then(answer => {
        answered = true;
        return answer;
      });
      expect((await ask('/v2/tasks/unknown')).json()).toMatchObject({ code: 'NOT_READY' });
      expect(answered).toBe(false);
      await starting.app.get(RecoveryService).run();
      expect((await events).json()).toMatchObject({ code: 'TASK_NOT_FOUND' });
    } finally {
      await starting.close();
    }
  });
});
