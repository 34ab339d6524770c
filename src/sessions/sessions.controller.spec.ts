import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInProcess, type InProcessService } from '../../test/support/in-process';
import { RecoveryService } from '../tasks/recovery/recovery.service';
import { SessionBook } from '../storage/embedded/session-book';

let service: InProcessService;
beforeAll(async () => {
  service = await createInProcess({
    ORCHD_SESSION_TOKENS_BUDGET: '1000',
    ORCHD_SESSION_TIME_BUDGET_MS: '5000',
    ORCHD_SESSION_COST_BUDGET: '1.5',
  });
  await service.app.init();
  await service.app.getHttpAdapter().getInstance().ready();
  await service.app.get(RecoveryService).run();
});
afterAll(() => service.close());

async function send(method: 'GET' | 'DELETE', id: string) {
  const answer = await service.app.inject({ method, url: `/v2/sessions/${id}`, headers: { 'x-api-key': 'test-key' } });
  return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json<Record<string, unknown>>() };
}

describe('/v2/sessions/{id}', () => {
  it('shows a new session with all it has (B-SS-001, B-SS-002, B-SS-003, B-SS-004, B-SS-005)', async () => {
    expect(await send('GET', 'new')).toEqual({
      status: 200,
      body: {
        session_id: 'new',
        ttl_ms_remaining: 600_000,
        turns: 0,
        kv_bytes: null,
        kv_warmth: 0,
        tokens_budget_remaining: 1000,
        time_budget_remaining_ms: 5000,
        cost_budget_remaining: 1.5,
      },
    });
  });

  it('shows every new session with its whole time to live', async () => {
    for (let n = 0; n < 200; n++) expect((await send('GET', `new-${n}`)).body?.['ttl_ms_remaining']).toBe(600_000);
  });

  it('shows what is left, and that its KV cache may be warm (B-SS-002, B-SS-021)', async () => {
    const store = service.app.get(SessionBook);
    store.reserve('used', 't', { tokens: 100, timeMs: 100, cost: 1 }, false);
    store.placed('used', 'gpu', 'r0');
    store.settle('used', 't', { tokens: 40, timeMs: 30, cost: 0.25 }, true);
    expect((await send('GET', 'used')).body).toMatchObject({
      turns: 1,
      kv_warmth: 1,
      tokens_budget_remaining: 960,
      time_budget_remaining_ms: 4970,
      cost_budget_remaining: 1.25,
    });
  });

  it('is deleted, also where there is none (B-SS-010, B-SS-011, B-SS-012)', async () => {
    expect(await send('DELETE', 'used')).toEqual({ status: 204, body: undefined });
    expect(await send('DELETE', 'used')).toEqual({ status: 204, body: undefined });
    expect((await send('GET', 'used')).body).toMatchObject({ turns: 0, tokens_budget_remaining: 1000 });
  });

  it('refuses what cannot be an id', async () => {
    for (const id of ['a%2fb', '%00', '..%2f', 'x'.repeat(129)]) {
      for (const method of ['GET', 'DELETE'] as const) {
        expect(await send(method, id), id).toMatchObject({ status: 400, body: { code: 'INVALID_PARAMS' } });
      }
    }
  });
});
