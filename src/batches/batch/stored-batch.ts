import type { BatchEndpoint } from '../lines/request-line';
import type { FileFault } from '../lines/file-check';
import type { BatchUsage } from './batch-usage';

export const openStatuses = ['validating', 'in_progress', 'finalizing', 'cancelling'] as const;
export const endStatuses = ['completed', 'failed', 'expired', 'cancelled'] as const;
export type OpenStatus = (typeof openStatuses)[number];
export type EndStatus = (typeof endStatuses)[number];
export type BatchStatus = OpenStatus | EndStatus;

/** Why the lines that have not run are not run any more. */
export type Stop = 'cancelled' | 'expired';

/** A batch as it is remembered. Which of its lines are done stands in its files while it is open. */
export interface StoredBatch {
  readonly id: string;
  readonly endpoint: BatchEndpoint;
  readonly inputFileId: string;
  readonly outputFileId: string;
  readonly errorFileId: string;
  /** As the client wrote it. */
  readonly window: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** How long its files are kept; as long as files are unless given. */
  readonly filesKeptMs?: number;
  /** Of whoever made it, as those of its tasks. */
  readonly correlationId: string;
  readonly identity?: string;
  readonly status: BatchStatus;
  /** Why it is being ended, from when that was decided. */
  readonly stop?: Stop;
  /** Unix milliseconds; those below too, each from when it was so. */
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly inProgressAtMs?: number;
  readonly finalizingAtMs?: number;
  readonly cancellingAtMs?: number;
  readonly endedAtMs?: number;
  /** Requests in the input; 0 until it was looked at. */
  readonly total: number;
  /** Once it has ended. */
  readonly counts?: LineCounts;
  readonly usage?: BatchUsage;
  readonly faults?: readonly FileFault[];
}

/** Lines in the output and in the error file. */
export interface LineCounts {
  readonly completed: number;
  readonly failed: number;
}

export function isOpen({ status }: StoredBatch): boolean {
  return (openStatuses as readonly BatchStatus[]).includes(status);
}
