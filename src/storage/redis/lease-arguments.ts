import { LeaseLost, type RecordLease } from '../../records/record-lease';
import type { Reply } from './connection/store';

/** Of a script that ends with `mayWrite(name, token)`: its last two. */
export function leaseArguments(lease: RecordLease | undefined): readonly [name: string, token: string] {
  return lease ? [`${lease.kind}:${lease.id}`, lease.token] : ['', ''];
}

/** What such a script answers where it may not. */
const NOT_HELD = -2;

/** @throws LeaseLost */
export function assertHeld(answer: Reply, lease: RecordLease | undefined): void {
  if (answer === NOT_HELD && lease) throw new LeaseLost(lease);
}
