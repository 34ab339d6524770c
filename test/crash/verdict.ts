import type { SseEvent } from '../support/sse-stream';
import type { Witness } from './client';

/** What came of the tasks of all rounds. */
export interface Tally {
  acked: number;
  completed: number;
  /** Ended by a typed error; by code. */
  readonly typedErrors: Record<string, number>;
  /** Acknowledged and unknown, or never ended. */
  lost: number;
  /** The engine was asked again after a token of the task had been read. */
  twice: number;
  /** A gap or a double in a reading, a second terminal event or none, or another text than was read before the kill. */
  broken: number;
}

export function emptyTally(): Tally {
  return { acked: 0, completed: 0, typedErrors: {}, lost: 0, twice: 0, broken: 0 };
}

/**
 * Judges one acknowledged task by what its client had read before the kill, what can be read of it now, and how often the
 * engine was asked for it. Returns what is wrong, for people; empty when nothing is.
 */
export function judge(tally: Tally, witness: Witness, now: readonly SseEvent[] | undefined, runs: number): string[] {
  tally.acked++;
  if (!now) {
    tally.lost++;
    return [`${witness.taskId} is lost`];
  }
  const faults: string[] = [];
  const terminals = now.filter(isTerminal);
  const last = now.at(-1);
  if (terminals.length !== 1 || !last || !isTerminal(last)) faults.push(`not exactly one terminal event, last: ${now.map(({ type }) => type).join(' ').slice(-300)}`);
  if (!gapless(now)) faults.push('token indexes with a gap or a double');
  const before = tokensOf(witness.events);
  const after = tokensOf(now);
  // What was read in the last moments before the kill may not have been kept; what is kept must be what was read.
  if (before.some((text, index) => index < after.length && after[index] !== text)) faults.push('other tokens than were read before');
  if (faults.length > 0) tally.broken++;
  if (before.length > 0 && runs > 1) {
    tally.twice++;
    faults.push(`run ${runs} times though ${before.length} tokens had been read`);
  }
  if (last?.type === 'end') tally.completed++;
  else if (last) {
    const { code } = last.data as { code: string };
    tally.typedErrors[code] = (tally.typedErrors[code] ?? 0) + 1;
  }
  return faults.map(fault => `${witness.taskId}: ${fault}`);
}

function isTerminal({ type }: SseEvent): boolean {
  return type === 'end' || type === 'error';
}

function tokensOf(events: readonly SseEvent[]): string[] {
  return events.filter(({ type }) => type === 'token').map(({ data }) => (data as { t: string }).t);
}

function gapless(events: readonly SseEvent[]): boolean {
  return events.filter(({ type }) => type === 'token').every(({ data }, index) => (data as { i: number }).i === index);
}
