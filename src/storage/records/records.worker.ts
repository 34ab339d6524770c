import { parentPort, workerData } from 'node:worker_threads';
import { RecordsFile } from './records-file';
import type { RecordsMessage, RecordsOutcome, RecordsRequest } from './records-protocol';

/** The thread that keeps the records, and waits for their disk. */

/** So long after the last removal the write-ahead log is wiped of what was removed. */
const WIPE_MS = 5000;

let file: RecordsFile | undefined;
let wiping: NodeJS.Timeout | undefined;

parentPort?.on('message', (requests: readonly RecordsRequest[]) => {
  const outcomes = outcomesOf(requests);
  parentPort?.postMessage({ outcomes } satisfies RecordsMessage);
  if (requests.some((request, at) => takesAway(request, outcomes[at]))) wipeSoon();
  if (requests.some(({ verb }) => verb === 'close')) close();
});

function outcomesOf(requests: readonly RecordsRequest[]): RecordsOutcome[] {
  try {
    return opened()
      .answer(requests)
      .map(value => ({ value }));
  } catch (thrown) {
    const { code, message } = thrown as { readonly code?: string; readonly message?: string };
    return requests.map(() => ({ failure: code ?? message ?? 'unknown' }));
  }
}

/** A text that has become shorter has had something taken out of it. */
function takesAway(request: RecordsRequest, outcome: RecordsOutcome | undefined): boolean {
  if (request.verb === 'revise') return request.record.text.length < request.was.length;
  return request.verb === 'remove' || request.verb === 'removeFile' || (request.verb === 'trim' && hasRemoved(outcome));
}

function hasRemoved(outcome: RecordsOutcome | undefined): boolean {
  return outcome !== undefined && 'value' in outcome && Array.isArray(outcome.value) && outcome.value.length > 0;
}

function opened(): RecordsFile {
  if (file) return file;
  file = new RecordsFile(workerData as string);
  if (file.wasDamaged) parentPort?.postMessage({ outcomes: [], wasDamaged: true } satisfies RecordsMessage);
  return file;
}

/** Nobody waits for upkeep: what fails is tried again after the next removal. */
function wipe(): void {
  try {
    file?.wipeLog();
  } catch {
    wipeSoon();
  }
}

function wipeSoon(): void {
  wiping ??= setTimeout(() => {
    wiping = undefined;
    wipe();
  }, WIPE_MS);
}

function close(): void {
  wipe();
  clearTimeout(wiping);
  file?.close();
  parentPort?.close();
}
