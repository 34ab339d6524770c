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
function transcriptsOver(
  isShared: boolean,
  answers: (ServiceError | number)[],
): { readonly told: string[]; readonly puts: unknown[]; readonly hurried: string[]; readonly it: Transcripts } {
  const told: string[] = [];
  const puts: unknown[] = [];
  const put: ArtifactStore['put'] = async ({ id }, _kind, _taskId, options) => {
    puts.push({ id, ...options });
    const answer = answers.shift() ?? 0;
    if (answer instanceof ServiceError) throw answer;
    for (let turn = 0; turn < answer; turn++) await new Promise(setImmediate);
  };
  const hurried: string[] = [];
  const hurry = (): unknown => hurried.push('hurry');
  const artifacts = { isShared, put, hurry } as unknown as ArtifactStore;
  const narrator = { warn: (_: string, { event }: { event: string }) => told.push(event) } as unknown as Narrator;
  return { told, puts, hurried, it: new Transcripts(artifacts, alarms, narrator) };
}
const away = (): ServiceError => new ServiceError('STORAGE_UNAVAILABLE');
const isStored = async (it: Transcripts, hasUnseen: boolean): Promise<boolean> =>
  (await it.begin('t', events, hasUnseen)).stored;
const aHash = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown;

describe('Transcripts', () => {
  it('are handed on while they are being stored, and say what became of that', async () => {
    for (const [answer, outcome] of [[1, true] as const, [away(), false] as const]) {
      const { it: transcripts, puts } = transcriptsOver(false, [answer]);
      const transcript = await transcripts.begin('t', events);
      expect([puts, transcript.isStored]).toEqual([[{ id: transcript.id, isAwaited: false }], undefined]);
      expect([transcript.id, transcript.json]).toEqual([aHash, expect.stringContaining('"tokens_out":1')]);
      expect([await transcript.stored, transcript.isStored]).toEqual([outcome, outcome]);
    }
  });

  it('are waited for by nobody until somebody says so, while they are not stored', async () => {
    const { it: transcripts, hurried } = transcriptsOver(false, [1]);
    const transcript = await transcripts.begin('t', events);
    expect(hurried).toEqual([]);
    transcript.hurry();
    await transcript.stored;
    transcript.hurry();
    expect(hurried).toEqual(['hurry']);
  });

  it('are waited for where nobody has seen the output and other nodes may be asked for it, however slow the store is', async () => {
    const { it: transcripts, told } = transcriptsOver(true, [away(), away(), 3]);
    expect([await isStored(transcripts, true), told]).toEqual([true, []]);
  });

  it.each([
    ['of what was seen already', true, false],
    ['that only this node is asked for', false, true],
  ])('%s are waited for a while', async (_what, isShared, hasUnseen) => {
    expect(await isStored(transcriptsOver(isShared, [0]).it, hasUnseen)).toBe(true);
    expect(await isStored(transcriptsOver(isShared, [20]).it, hasUnseen)).toBe(false);
    const failing = transcriptsOver(isShared, [away()]);
    expect([await isStored(failing.it, hasUnseen), failing.told]).toEqual([false, ['transcript_delayed']]);
  });

  it('are given up at last, and at once where there is no room', async () => {
    const full = transcriptsOver(true, [new ServiceError('STORAGE_FULL'), 0]);
    expect([await isStored(full.it, true), full.told]).toEqual([false, ['transcript_delayed']]);
    const gone = transcriptsOver(true, Array.from({ length: 1000 }, away));
    expect([await isStored(gone.it, true), gone.told]).toEqual([false, ['transcript_delayed']]);
  });
});
