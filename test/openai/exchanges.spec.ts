import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/deadline';
import type { HttpAnswer } from '../support/http-client';
import { startService, type RunningService } from '../support/service';
import { differencesOf, type Difference } from './differences';
import { answerDifferences, requestDifferences, type KnownDifference } from './known-differences';
import { recorded, type Recorded } from './recorded';
import { replayingEngine, type ReplayingEngine } from './replaying-engine';
import { wholeOf } from './stream-of';
import { answerFaults, requestFaults } from './valid-answers';

/** What was recorded of OpenAI: its requests sent to the service, with its replies given by the engine behind. */

let engine: ReplayingEngine;
let service: RunningService;
const seen = new Set<KnownDifference>();

beforeAll(async () => {
  const names = recorded.filter(({ status }) => status !== 404).map(({ request }) => String(request['model']));
  engine = await replayingEngine([...new Set(names)]);
  service = await startService({
    env: { ORCHD_ENGINE_URLS: `openai=${engine.url}`, ORCHD_PROBE_INTERVAL_MS: '100' },
  });
  const health = async () => (await service.request('GET', '/v2/pools/openai/health')).json<{ ready: boolean }>();
  await eventually(health, ({ ready }) => ready);
});
afterAll(async () => {
  await service.stop();
  await engine.stop();
});

function asWhole({ reply }: Recorded): unknown {
  return typeof reply === 'string' ? wholeOf(reply) : reply;
}

function contentTypeOf({ headers }: HttpAnswer): string {
  return headers['content-type'] ?? '';
}

/** Those that nobody has meant. */
function unmeant(differences: readonly Difference[], known: readonly KnownDifference[]): readonly Difference[] {
  return differences.filter(({ path, kind }) => {
    const meant = known.find(each => each.path === path && each.kind === kind);
    if (meant) seen.add(meant);
    return !meant;
  });
}

describe('of what was recorded of OpenAI', () => {
  it.each(recorded.map(exchange => [exchange.name, exchange] as const))('%s', async (_name, exchange) => {
    engine.give(exchange);
    const answer = await service.request('POST', exchange.path, { body: exchange.request });
    const contentType = contentTypeOf(answer);
    const isStream = contentType.includes('event-stream');

    expect(answer.status, answer.text).toBe(exchange.status);
    expect(isStream).toBe(typeof exchange.reply === 'string');
    expect(answerFaults(exchange.path, { status: answer.status, contentType, text: answer.text })).toEqual([]);
    const given = isStream ? wholeOf(answer.text) : answer.json();
    expect(unmeant(differencesOf(asWhole(exchange), given), answerDifferences)).toEqual([]);

    // What the service refuses by itself, the engine is not asked.
    if (engine.asked === undefined) return expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(unmeant(differencesOf(exchange.request, engine.asked), requestDifferences)).toEqual([]);
    if (requestFaults(exchange.path, exchange.request).length === 0)
      expect(requestFaults(exchange.path, engine.asked)).toEqual([]);
  });

  it('every difference that is told of in docs/openai-differences.md was there', () => {
    expect([...answerDifferences, ...requestDifferences].filter(each => !seen.has(each))).toEqual([]);
  });
});
