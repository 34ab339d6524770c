import type { ServiceError } from '../../errors/service-error';
import { openaiStatusOf, toOpenaiError } from '../../errors/openai-error';

/** What became of a line. Errors that an answer has go into `response`; `reason` is for lines that were never asked. */
export type LineResult =
  | { readonly kind: 'answer'; readonly body: object }
  | { readonly kind: 'error'; readonly error: ServiceError }
  | { readonly kind: 'stopped'; readonly reason: 'cancelled' | 'expired' };

const reasons = {
  cancelled: { code: 'batch_cancelled', message: 'The batch was cancelled before this request had ended.' },
  expired: {
    code: 'batch_expired',
    message: 'This request could not be executed before the completion window expired.',
  },
} as const;

/** Begins the id of each result, which ends with the number of its line: so the files themselves tell which lines are done. */
function prefixOf(batchId: string): string {
  return `batch_req_${batchId.slice('batch_'.length)}_`;
}

/** One line of the output or error file, with its end. */
export function resultText(
  batchId: string,
  line: number,
  customId: string,
  taskId: string,
  result: LineResult,
): string {
  const id = prefixOf(batchId) + String(line);
  return `${JSON.stringify({ id, custom_id: customId, ...told(taskId, result) })}\n`;
}

function told(taskId: string, result: LineResult): object {
  switch (result.kind) {
    case 'answer':
      return { response: { status_code: 200, request_id: taskId, body: result.body }, error: null };
    case 'error': {
      const { error } = result;
      const response = {
        status_code: openaiStatusOf(error),
        request_id: taskId,
        body: { error: toOpenaiError(error) },
      };
      return { response, error: null };
    }
    case 'stopped':
      return { response: null, error: reasons[result.reason] };
  }
}

/** The number of the line that a line of these files is about, by how it begins; undefined for what none of them begins with. */
export function lineNumberIn(text: string, batchId: string): number | undefined {
  const start = `{"id":"${prefixOf(batchId)}`;
  if (!text.startsWith(start)) return undefined;
  const digits = /^(\d{1,9})","custom_id":/.exec(text.slice(start.length));
  return digits?.[1] === undefined ? undefined : Number(digits[1]);
}

/** The beginning of a line, of which {@link lineNumberIn} tells. */
export const HEAD_BYTES = 128;
