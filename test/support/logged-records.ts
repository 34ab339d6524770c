import type { LoggedRecord } from '../../src/storage/sqlite/log/commit-log-records';

const BODY_UNITS = 200;

/** Records of these numbers, each of 200 bytes of body, which says the number. */
export function records(from: number, to: number): LoggedRecord[] {
  return Array.from({ length: to - from + 1 }, (_, at) => ({
    number: from + at,
    body: `${from + at}`.padEnd(BODY_UNITS, 'x'),
  }));
}
