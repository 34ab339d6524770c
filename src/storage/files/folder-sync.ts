import { open } from 'node:fs/promises';

/** A sync that runs, and the one that whoever came since waits for. */
interface Round {
  readonly running: Promise<void>;
  next?: Promise<void>;
}

const rounds = new Map<string, Round>();

/**
 * Resolves once a sync of the folder that began after this call is through: names made or removed before the call are on
 * disk then. Callers that come while one runs share the next, so many changes at once cost a few syncs and not one each.
 */
export function syncFolder(folder: string): Promise<void> {
  const round = rounds.get(folder);
  if (!round) return begin(folder);
  const goOn = (): Promise<void> => begin(folder);
  round.next ??= round.running.then(goOn, goOn);
  return round.next;
}

function begin(folder: string): Promise<void> {
  const round: Round = { running: fsync(folder) };
  rounds.set(folder, round);
  const end = (): void => {
    if (!round.next) rounds.delete(folder);
  };
  round.running.then(end, end);
  return round.running;
}

async function fsync(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
