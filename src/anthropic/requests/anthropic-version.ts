import type { IncomingHttpHeaders } from 'node:http';
import { invalid } from '../../json/members';

const HEADER = 'anthropic-version';
/** What they differ in is what the newest refuses of a request (a document that an assistant is said to have sent): no model here minds. */
export const versions: readonly string[] = ['2023-01-01', '2023-06-01', '2026-10-21'];

/**
 * None is taken for the newest: tools that were made for other servers of this API send none. Of `anthropic-beta` nothing is asked: what a
 * beta adds stands in the body, where it is taken or refused by name.
 * @throws ServiceError INVALID_PARAMS
 */
export function assertVersion(headers: IncomingHttpHeaders): void {
  const version = headers[HEADER];
  if (version === undefined || versions.includes(String(version))) return;
  throw invalid(HEADER, `be one of ${versions.join(', ')}`);
}
