import { expect, it } from 'vitest';
import { killInBatch } from '../crash/batch-kills';

it.each([
  ['SIGKILL', false],
  ['SIGTERM', true],
])(
  'a batch and responses beside it whose service is ended over and over by %s: each line once, right counts, each response ends (B-BAT-005, B-RSP-004)',
  async (_signal, gently) => {
    const lines = 80;
    const outcome = await killInBatch({ lines, kills: 4, seed: 7, responses: 5, gently });
    const { batch, completed, failed, responses } = outcome;
    expect(outcome.kills).toBeGreaterThan(1);
    expect([batch.status, outcome.results, outcome.different]).toEqual(['completed', lines, lines]);
    expect(batch.request_counts).toEqual({ total: lines, completed, failed });
    expect(responses.made).toBeGreaterThan(4);
    expect([outcome.ranAgain, responses.ranAgain, responses.faults]).toEqual([0, 0, []]);
  },
  120_000,
);
