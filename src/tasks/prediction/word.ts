import type { Run, Runs } from './runs';
import { sampleOf } from './sample';

/**
 * Milliseconds and tokens, whole: since it took its slot; since its first output, −1 where there is none; tokens by now; of its prompt; asked. Ages, for
 * the clocks of two nodes have nothing to do with each other.
 */
export type ToldAttempt = readonly [
  ageMs: number,
  outputAgeMs: number,
  tokens: number,
  promptTokens: number,
  askedTokens: number,
];

/** How many attempts a node has on a replica, and some of them that stand for all. */
export interface ToldReplica {
  readonly replica: string;
  readonly attempts: number;
  readonly sample: readonly ToldAttempt[];
}

/** What a node tells of itself. */
export interface Word {
  readonly runs: readonly ToldReplica[];
}

/** Of one that means something else by these members, nothing is understood. */
const VERSION = 1;
/** Attempts in one word; of more, an even sample. With their replicas' names some 4 KB, and 48 KB with the longest names. */
const ATTEMPTS_MAX = 128;
/** As many slots as a replica may have. */
const SLOTS_MAX = 4096;
/** Two ids of 128 characters. */
const NAME_MAX = 257;

/** What this node runs, as others are told of it. */
export function runsToTell(runs: Runs, nowMs: number): readonly ToldReplica[] {
  const byReplica = new Map<string, ToldAttempt[]>();
  for (const run of sampleOf([...runs.all()], ATTEMPTS_MAX)) {
    const known = byReplica.get(run.replica);
    if (known) known.push(told(run, nowMs));
    else byReplica.set(run.replica, [told(run, nowMs)]);
  }
  return [...byReplica].map(([replica, sample]) => ({ replica, attempts: runs.on(replica).size, sample }));
}

function told({ startedAtMs, firstOutputAtMs, tokens, promptTokens, askedTokens }: Run, nowMs: number): ToldAttempt {
  const outputAgeMs = firstOutputAtMs === undefined ? -1 : Math.round(nowMs - firstOutputAtMs);
  return [Math.round(nowMs - startedAtMs), outputAgeMs, tokens, Math.round(promptTokens), askedTokens];
}

export function textOf({ runs }: Word): string {
  return JSON.stringify({ v: VERSION, runs: runs.map(({ replica, attempts, sample }) => [replica, attempts, sample]) });
}

/** What another node has told; nothing of what cannot be read, so that nodes of two versions do each other no harm. */
export function wordIn(text: string): Word | undefined {
  const word = parsed(text);
  if (word?.['v'] !== VERSION) return undefined;
  let left = ATTEMPTS_MAX;
  const runs = listIn(word['runs']).flatMap((each): ToldReplica[] => {
    const [replica, attempts, sample] = listIn(each);
    const isNamed = typeof replica === 'string' && replica.length <= NAME_MAX;
    if (!isNamed || !isAmount(attempts) || attempts > SLOTS_MAX) return [];
    const readable = listIn(sample).filter(isAttempt).slice(0, left);
    left -= readable.length;
    return readable.length > 0 ? [{ replica, attempts, sample: readable }] : [];
  });
  return { runs };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

function isAttempt(value: unknown): value is ToldAttempt {
  const [ageMs, outputAgeMs, ...amounts] = listIn(value);
  return (
    isAmount(ageMs) && (outputAgeMs === -1 || isAmount(outputAgeMs)) && amounts.length === 3 && amounts.every(isAmount)
  );
}
