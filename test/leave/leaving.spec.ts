import { describe, expect, it } from 'vitest';
import { LeavingClients, stages } from './leaving';

const TIMES = 5;

describe.each(['llamacpp', 'vllm', 'ollama'] as const)('clients of %s that leave', wire => {
  it('leave nothing running and no slot taken, at whatever stage', async () => {
    const clients = await LeavingClients.of(wire);
    try {
      for (const stage of stages) {
        const leaving = await clients.leave(stage, TIMES);
        expect(leaving).toMatchObject({ stage, left: TIMES, running: 0, leaked: 0, otherwise: 0 });
      }
    } finally {
      await clients.close();
    }
  });
});
