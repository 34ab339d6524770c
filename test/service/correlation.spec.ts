import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type RunningEngine } from '../engine/engine';
import { startService, type RunningService } from '../support/service';
import { TaskClient } from '../support/task-client';

describe('lines of the log that an act of an operator has caused', () => {
  let engine: RunningEngine;
  let service: RunningService;

  beforeAll(async () => {
    engine = await startEngine({ slots: 1, tokensPerSecond: 0 });
    const env = { ORCHD_LLAMACPP_URL: engine.url, ORCHD_FALLBACK: 'wait', ORCHD_PROBE_INTERVAL_MS: '100' };
    service = await startService({ env });
    await new TaskClient(service).slotsFree(1);
  });
  afterAll(async () => {
    await service.stop('SIGKILL');
    await engine.stop();
  });

  it.each([
    ['drain', { deadline_ms: 1000 }, 'pool_draining'],
    ['undrain', undefined, 'pool_undrained'],
  ])('carry its correlation id: %s', async (act, body, event) => {
    const headers = { 'X-Correlation-Id': `of-${act}` };
    const answer = await service.request('POST', `/v2/pools/default/${act}`, { headers, ...(body && { body }) });
    expect(answer.status).toBeLessThan(300);
    const line = await service.waitForLog(found => found.event === event);
    expect(line['correlation_id']).toBe(`of-${act}`);
  });
});
