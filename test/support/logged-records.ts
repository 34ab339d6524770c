import type { LoggedRecord } from '../../src/storage/sqlite/log/commit-log-records';

const BODY_UNITS = 200;

/** One that was written when nothing else was. */
export const record = (number: number, body = String(number)): LoggedRecord => ({ number, after: number - 1, body });

/** Records of these numbers, written as one, each of 200 bytes of body, which says the number. */
export function records(from: number, to: number, after = from - 1): LoggedRecord[] {
  return Array.from({ length: to - from + 1 }, (_, at) => ({
    number: from + at,
    after,
    body: `${from + at}`.padEnd(BODY_UNITS, 'x'),
  }));
}
