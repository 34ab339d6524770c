import { describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../artifacts/artifact-store.port';
import { ServiceError } from '../../errors/service-error';
import type { Narrator } from '../../observability/narrator';
import type { Alarms } from '../../time/alarms';
import { endEvent } from '../events/task-events';
import { Transcripts } from './transcripts';

const events = [endEvent({ tokens_out: 1, decode_time_ms: 1, decode_ms: 1, finish_reason: 'stop' })];
/** Whatever waits for a time has waited for it by the next turn, as after a process stood still. */
const alarms = {
  after: (_ms: number, ring: () => void) => {
    const immediate = setImmediate(ring);
    return { cancel: () => clearImmediate(immediate) };
  },
} as unknown as Alarms;

/** Puts that are answered in turn: an error is thrown, a number is how many turns the answer takes. */
function transcriptsOver(isShared: boolean, answers: (ServiceError | number)[]): { told: string[]; it: Transcripts } {
  const told: string[] = [];
  const put = async (): Promise<void> => {
    const answer = answers.shift() ?? 0;
    if (answer instanceof ServiceError) throw answer;
    for (let turn = 0; turn < answer; turn++) await new Promise(setImmediate);
  };
  const artifacts = { isShared, put } as unknown as ArtifactStore;
  const narrator = { warn: (_: string, { event }: { event: string }) => told.push(event) } as unknown as Narrator;
  return { told, it: new Transcripts(artifacts, alarms, narrator) };
}
const away = (): ServiceError => new ServiceError('STORAGE_UNAVAILABLE');
const aHash = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown;

describe('Transcripts', () => {
  it('are waited for where nobody has seen the output and other nodes may be asked for it, however slow the store is', async () => {
    const { it: transcripts, told } = transcriptsOver(true, [away(), away(), 3]);
    expect([await transcripts.store('t', events, true), told]).toEqual([aHash, []]);
  });

  it.each([
    ['of what was seen already', true, false],
    ['that only this node is asked for', false, true],
  ])('%s are waited for a while', async (_what, isShared, hasUnseen) => {
    expect(await transcriptsOver(isShared, [0]).it.store('t', events, hasUnseen)).toEqual(aHash);
    expect(await transcriptsOver(isShared, [20]).it.store('t', events, hasUnseen)).toBeUndefined();
    const failing = transcriptsOver(isShared, [away()]);
    expect([await failing.it.store('t', events, hasUnseen), failing.told]).toEqual([undefined, ['transcript_delayed']]);
  });

  it('are given up at last, and at once where there is no room', async () => {
    const full = transcriptsOver(true, [new ServiceError('STORAGE_FULL'), 0]);
    expect([await full.it.store('t', events, true), full.told]).toEqual([undefined, ['transcript_delayed']]);
    const gone = transcriptsOver(true, Array.from({ length: 1000 }, away));
    expect([await gone.it.store('t', events, true), gone.told]).toEqual([undefined, ['transcript_delayed']]);
  });
});
