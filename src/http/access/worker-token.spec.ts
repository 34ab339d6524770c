import { describe, expect, it } from 'vitest';
import { WorkerToken } from './worker-token';

/** What becomes of a request with this Authorization header: let in, or the code of the refusal. */
function answer(configured: string | undefined, authorization: string | undefined): string {
  return new WorkerToken(configured).refusal(authorization)?.code ?? 'in';
}

describe('the worker token', () => {
  it('lets its bearer in, whatever the case of the scheme (B-CP-050)', () => {
    expect(answer('right-token', 'Bearer right-token')).toBe('in');
    expect(answer('right-token', 'bearer right-token')).toBe('in');
  });

  it.each([undefined, '', 'Bearer', 'Bearer ', 'Basic cmlnaHQ=', 'right-token'])(
    'is missing from %j (B-CP-051)',
    authorization => {
      expect(answer('right-token', authorization)).toBe('MISSING_TOKEN');
    },
  );

  it('is not another one, whatever its length and its bytes (B-CP-052, B-CP-053)', () => {
    const others = [
      'right-toke',
      'right-token2',
      'Right-token',
      'x',
      'x'.repeat(10_000),
      'two words',
      'rïght-tökén',
      '🔑',
    ];
    for (const token of others) expect(answer('right-token', `Bearer ${token}`), token).toBe('BAD_TOKEN');
  });

  it('matches nothing where none is configured (B-CP-052)', () => {
    for (const token of ['x', 'undefined', 'null']) expect(answer(undefined, `Bearer ${token}`)).toBe('BAD_TOKEN');
  });
});
