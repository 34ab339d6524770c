import type { BatchUsageView, BatchView } from './batches.dto';
import { noUsage, type BatchUsage } from './batch/batch-usage';
import { isOpen, type EndStatus, type LineCounts, type StoredBatch } from './batch/stored-batch';

const SECOND_MS = 1000;

/** What its files say of a batch that is open. */
export interface Progress {
  readonly counts: LineCounts;
  readonly usage: BatchUsage;
}

const noProgress: Progress = { counts: { completed: 0, failed: 0 }, usage: noUsage };

export function toBatchView(batch: StoredBatch, { counts, usage }: Progress = noProgress): BatchView {
  const { id, endpoint, status, faults, metadata, total } = batch;
  const { completed, failed } = batch.counts ?? counts;
  const isOver = !isOpen(batch);
  const ended = (as: EndStatus): number | null => (status === as ? seconds(batch.endedAtMs) : null);
  return {
    id,
    object: 'batch',
    endpoint,
    ...(faults && { errors: { object: 'list', data: faults } }),
    input_file_id: batch.inputFileId,
    completion_window: batch.window,
    status,
    output_file_id: isOver && completed > 0 ? batch.outputFileId : null,
    error_file_id: isOver && failed > 0 ? batch.errorFileId : null,
    created_at: Math.floor(batch.createdAtMs / SECOND_MS),
    in_progress_at: seconds(batch.inProgressAtMs),
    expires_at: Math.floor(batch.expiresAtMs / SECOND_MS),
    finalizing_at: seconds(batch.finalizingAtMs),
    completed_at: ended('completed'),
    failed_at: ended('failed'),
    expired_at: ended('expired'),
    cancelling_at: seconds(batch.cancellingAtMs),
    cancelled_at: ended('cancelled'),
    request_counts: { total, completed, failed },
    usage: toUsageView(batch.usage ?? usage),
    metadata: metadata ?? null,
  };
}

function toUsageView({ input, cached, output, reasoning }: BatchUsage): BatchUsageView {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.floor(ms / SECOND_MS);
}
