import { describe, expect, it } from 'vitest';
import { retryAfterMsOf } from './retry-after';

const HOUR_MS = 3_600_000;
const nowMs = Date.parse('2026-11-26T00:00:00Z');

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['1', 1000],
    ['1.5', 1500],
    ['9999999999', HOUR_MS],
    ['Thu, 26 Nov 2026 00:00:20 GMT', 20_000],
    ['Thu, 26 Nov 2026 00:00:00 GMT', 0],
    ['Wed, 25 Nov 2026 23:00:00 GMT', 0],
    ['Fri, 26 Nov 2027 00:00:00 GMT', HOUR_MS],
  ])('%s is %d ms', (value, ms) => {
    expect(retryAfterMsOf({ 'retry-after': value }, nowMs)).toBe(ms);
  });

  it.each(['', 'soon', '-5', '1e9', '0x10', '5 apples', '99999999999', 'Thu, 99 Nov 2026 00:00:20 GMT', '2026-11-26'])(
    '%j is none',
    value => {
      expect(retryAfterMsOf({ 'retry-after': value }, nowMs)).toBeUndefined();
    },
  );

  it('that was not sent, or twice, is none', () => {
    expect(retryAfterMsOf({}, nowMs)).toBeUndefined();
    expect(retryAfterMsOf({ 'retry-after': '1, 2' }, nowMs)).toBeUndefined();
  });

  it('of a date is read by the clock of whoever sent it', () => {
    const headers = { 'retry-after': 'Sat, 01 Jan 2000 00:00:09 GMT', date: 'Sat, 01 Jan 2000 00:00:00 GMT' };
    expect(retryAfterMsOf(headers, nowMs)).toBe(9000);
  });
});
