/** After this the first echo may be there: as on a loopback. */
const FIRST_PAUSE_MS = 2;
const LAST_PAUSE_MS = 256;

/**
 * Sounds whether a client that sends nothing more has left. What is written to one that has is answered with a reset, after as long as the way
 * there and back takes, and the write after that runs into it: so it sounds again after twice as long each time. Who still reads is told
 * no more than a few times.
 * @param sound writes something that says nothing
 * @param goesOn whether it sounds on at the last pause: where nothing else will be written
 * @returns ends it
 */
export function soundOut(sound: () => void, goesOn: boolean): () => void {
  let pauseMs = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  const next = (): void => {
    timer = setTimeout(() => {
      sound();
      if (pauseMs < LAST_PAUSE_MS) pauseMs *= 2;
      else if (!goesOn) return;
      next();
    }, pauseMs).unref();
  };
  sound();
  next();
  return () => clearTimeout(timer);
}
