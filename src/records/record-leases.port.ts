import type { Observable } from 'rxjs';
import type { RecordKind } from './api-records.port';
import type { RecordLease } from './record-lease';

/**
 * Which node works at which open record. A node that is gone, or stood still for `ORCHD_STORE_LEASE_MS`, has lost its leases, and others take them.
 * Nothing here errors but what is said to reject; what cannot be renewed is lost.
 */
export abstract class RecordLeases {
  /** There are other nodes, or may be: what is not held here may be held there. */
  abstract readonly areShared: boolean;

  /** Leases that this node has no more; whoever works by one is to stop. */
  abstract readonly lost$: Observable<RecordLease>;

  /** Of open records that nobody holds, ids; again and again while there are some. */
  abstract readonly free$: Observable<readonly string[]>;

  /** Leases of this node whose holder was asked to stop, by {@link ask}; the same one may come twice. */
  abstract readonly asked$: Observable<RecordLease>;

  /** Has every node look for free ones now, this one too: a hint, for they look by themselves. Never rejects. */
  abstract rouse(): Promise<void>;

  /** How many open records of that kind other nodes hold; some hundred milliseconds old. */
  abstract elsewhere(kind: RecordKind): number;

  /** How many nodes hold records of that kind, this one among them. */
  abstract holders(kind: RecordKind): number;

  /** Undefined where another node has it. Before the record is made, or of one that is there. @throws ServiceError STORAGE_UNAVAILABLE */
  abstract take(kind: RecordKind, id: string): Promise<RecordLease | undefined>;

  /** The record is not open any more. Never rejects: it lapses by itself. */
  abstract end(lease: RecordLease): Promise<void>;

  /** All are given to whoever takes them; this node takes none from then on. Never rejects. */
  abstract leave(): Promise<void>;

  /** For other nodes, asked for with each renewal: how far it is. */
  abstract say(lease: RecordLease, text: () => string): void;

  /** What holders elsewhere said last, by id. @throws ServiceError STORAGE_UNAVAILABLE */
  abstract said(kind: RecordKind, ids: readonly string[]): Promise<ReadonlyMap<string, string>>;

  /** Of whoever holds it, or takes it later: to stop. Resolves once it is durable. @throws ServiceError STORAGE_UNAVAILABLE */
  abstract ask(kind: RecordKind, id: string): Promise<void>;
}
