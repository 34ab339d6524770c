/** How long a test waits for what should come at once, before it says what did not: a last resort, never a measure. */
export const LAST_RESORT_MS = 30_000;

/** Rejects with `describe()` where `promise` has not settled after `ms`. The timer is gone once it has. */
export async function withDeadline<T>(promise: Promise<T>, ms: number, describe: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${describe()} (waited ${ms} ms)`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks every 20 ms until the answer satisfies `wanted`, and gives that answer; for what cannot call back by itself. */
export async function eventually<T>(
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
  deadlineMs = LAST_RESORT_MS,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (performance.now() >= endMs) {
      throw new Error(`not so within ${deadlineMs} ms; the last answer: ${JSON.stringify(answer)?.slice(0, 2000)}`);
    }
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
