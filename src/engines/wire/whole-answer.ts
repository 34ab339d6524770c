import { ServiceError } from '../../errors/service-error';
import type { ExchangeHandler, Exchange } from '../connections/engine-connection';

export interface EngineText {
  readonly status: number;
  readonly text: string;
}

/**
 * Sends a request, and reads its answer to the end.
 * @throws ServiceError ENGINE_PROTOCOL for one of more than `maxBytes`; the signal's reason; what the connection failed of
 */
export function wholeAnswer(
  send: (handler: ExchangeHandler) => Exchange,
  maxBytes: number,
  signal: AbortSignal,
): Promise<EngineText> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const pieces: Buffer[] = [];
    let status = 0;
    let bytes = 0;
    const fail = (cause: Error): void => {
      signal.removeEventListener('abort', onAbort);
      exchange.abort();
      reject(cause);
    };
    const onAbort = (): void => fail(signal.reason as Error);
    const exchange = send({
      onHead: head => {
        ({ status } = head);
      },
      onBody: (read, start, end) => {
        bytes += end - start;
        if (bytes > maxBytes) fail(tooLarge());
        else pieces.push(Buffer.from(read.subarray(start, end)));
      },
      onEnd: () => {
        signal.removeEventListener('abort', onAbort);
        resolve({ status, text: Buffer.concat(pieces).toString('utf8') });
      },
      onFault: cause => fail(cause as Error),
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

function tooLarge(): ServiceError {
  const message = 'The engine sent an answer that is larger than any engine sends.';
  return new ServiceError('ENGINE_PROTOCOL', { message });
}
