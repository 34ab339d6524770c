import { setImmediate as immediate } from 'node:timers/promises';

/** Resolves some turns of the event loop later: what would come of itself by then has come, and what has not is held. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await immediate();
}
