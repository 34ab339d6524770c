import { expect, it } from 'vitest';
import { killInBatch } from '../crash/batch-kills';

it('a batch whose service is killed over and over has each line once, and right counts (B-BAT-005)', async () => {
  const lines = 80;
  const { batch, results, different, completed, failed, kills } = await killInBatch({ lines, kills: 4, seed: 7 });
  expect(kills).toBeGreaterThan(1);
  expect([batch.status, results, different]).toEqual(['completed', lines, lines]);
  expect(batch.request_counts).toEqual({ total: lines, completed, failed });
}, 120_000);
