import { ServiceError } from '../../errors/service-error';
import type { EngineOutcome } from '../engine-adapter.port';

export const done: EngineOutcome = { ok: true };

export function refused(reason: string): EngineOutcome {
  return { ok: false, unsupported: false, reason };
}

/** The engine has no way to do it. */
export function cannot(reason: string): EngineOutcome {
  return { ok: false, unsupported: true, reason };
}

/** An engine that cannot be reached, or does not answer in time, is an outcome too. */
export async function outcomeOf(work: () => Promise<EngineOutcome>): Promise<EngineOutcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ServiceError) return refused(error.message);
    throw error;
  }
}
