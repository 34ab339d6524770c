import { startEngineProcess } from '../support/engine-process';

/** The llama.cpp server that the suite runs against: what it shows of itself, over its own API. */
export interface EngineUnderTest {
  readonly url: string;
  readonly slotsTotal: number;
  readonly ctxTokens: number;
  busySlots(): Promise<number>;
  stop(): Promise<void>;
}

interface Props {
  readonly total_slots: number;
  readonly default_generation_settings: { readonly n_ctx: number };
}

/** The server that `ORCHD_E2E_LLAMACPP_URL` names; without it a stand-in with 4 slots, of which the output tells. */
export async function engineUnderTest(): Promise<EngineUnderTest> {
  const given = process.env.ORCHD_E2E_LLAMACPP_URL?.replace(/\/+$/, '');
  const standIn = given ? undefined : await startEngineProcess(['--slots', '4', '--tokens-per-second', '100']);
  const url = given ?? standIn?.url ?? '';
  process.stdout.write(
    given
      ? `Running against the llama.cpp server at ${url}.\n`
      : `ORCHD_E2E_LLAMACPP_URL is not set: running against the stand-in engine at ${url}.\n`,
  );
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`the engine answers ${path} with ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const { total_slots: slotsTotal, default_generation_settings: generation } = await ask<Props>('/props');
  return {
    url,
    slotsTotal,
    ctxTokens: generation.n_ctx,
    busySlots: async () => {
      const slots = await ask<readonly { readonly is_processing: boolean }[]>('/slots');
      return slots.filter(slot => slot.is_processing).length;
    },
    stop: async () => {
      await standIn?.stop();
    },
  };
}
