/**
 * A promise that `start` settles through the function it is given, and that rejects with the signal's reason when that
 * comes first. `start` returns what takes back its waiting.
 */
export function abortable<T>(signal: AbortSignal, start: (resolve: (value: T) => void) => () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    let settled = false;
    const undo = start(value => {
      settled = true;
      signal.removeEventListener('abort', onAbort);
      resolve(value);
    });
    if (!settled) signal.addEventListener('abort', onAbort, { once: true });

    function onAbort(): void {
      undo();
      reject(signal.reason as Error);
    }
  });
}
