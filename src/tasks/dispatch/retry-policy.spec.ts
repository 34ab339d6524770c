import { describe, expect, it } from 'vitest';
import { ServiceError } from '../../errors/service-error';
import { decideRetry, type RetryDecision } from './retry-policy';

const least = (): number => 0;
const most = (): number => 1;

function delaysOf(error: ServiceError, random: () => number): number[] {
  return Array.from({ length: 8 }, (_, n) => {
    const decision = decideRetry(error, { attempts: 1, refusals: n + 1 }, random);
    return decision.retry ? decision.delayMs : NaN;
  });
}

describe('an engine without room', () => {
  const busy = new ServiceError('ENGINE_BUSY');

  it('is left alone for longer each time, up to some seconds, and not by all for equally long', () => {
    expect(delaysOf(busy, least)).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
    expect(delaysOf(busy, most)).toEqual([312.5, 625, 1250, 2500, 5000, 6250, 6250, 6250]);
  });

  it('is never asked earlier than it asked for', () => {
    expect(delaysOf(busy.after(1000), least)).toEqual([1000, 1000, 1000, 2000, 4000, 5000, 5000, 5000]);
    expect(delaysOf(busy.after(60_000), most)).toEqual(Array(8).fill(75_000));
  });

  it('is avoided for as long and no longer, and what it refused is no attempt', () => {
    const decision = decideRetry(busy.after(3000), { attempts: 3, refusals: 1 }, least);
    expect(decision).toEqual({ retry: true, delayMs: 3000, elsewhereMs: 50, avoidMs: 3000, counts: false });
  });
});

describe('an engine that failed', () => {
  const codeOf = (decision: RetryDecision): string => (decision.retry ? 'retried' : decision.error.code);

  it.each(['WORKER_RESET', 'ENGINE_PROTOCOL', 'DECODE_TIMEOUT'] as const)(
    'with %s has failed one attempt of three',
    code => {
      const error = new ServiceError(code, { message: 'gone', engine: 'llamacpp' }).after(7000);
      const decisions = [1, 2, 3].map(attempts => decideRetry(error, { attempts, refusals: 0 }, least));
      expect(decisions.map(codeOf)).toEqual(['retried', 'retried', 'REPLICA_EXHAUSTED']);
      expect(decisions[0]).toMatchObject({ delayMs: 7000, elsewhereMs: 100, counts: true });
      expect(decisions[2]).toMatchObject({
        error: { message: '3 attempts failed; the last: gone', details: { engine: 'llamacpp', retryAfterMs: 7000 } },
      });
    },
  );

  it.each(['INVALID_PARAMS', 'POOL_DRAINED', 'OUTPUT_TOO_LARGE'] as const)('with %s is not asked again', code => {
    expect(codeOf(decideRetry(new ServiceError(code), { attempts: 1, refusals: 0 }))).toBe(code);
  });
});
