import type { IncomingHttpHeaders } from 'node:http';
import { invalid } from '../../json/members';

const HEADER = 'anthropic-version';
const versions: readonly string[] = ['2023-01-01', '2023-06-01'];

/**
 * None is taken for the newest: tools that were made for other servers of this API send none. Of `anthropic-beta` nothing is asked: what a
 * beta adds stands in the body, where it is taken or refused by name.
 * @throws ServiceError INVALID_PARAMS
 */
export function assertVersion(headers: IncomingHttpHeaders): void {
  const version = headers[HEADER];
  if (version === undefined || versions.includes(String(version))) return;
  throw invalid(HEADER, `be ${versions.join(' or ')}`);
}
