import type { Rivals } from './start-predictor';
import type { Work } from './station';

/** Different choices of stations that are told apart; what has yet another counts as if it could use all of these. */
const CHOICES_MAX = 8;

export interface Competition {
  /** Stations that the asker may use, or that somebody may who competes with it, directly or through others. */
  readonly stations: readonly number[];
  /** Those that compete, by their choice of stations (as indexes into {@link stations}): the least choice first. */
  readonly rivals: readonly Rivals[];
  /** What the asker may use, as indexes into {@link stations}. */
  readonly own: readonly number[];
}

/**
 * Who competes with a task for the slots that it may use: whoever may use one of them, and whoever competes with those for others,
 * for what is pushed off one station takes the next. A task that is pinned elsewhere is none of them.
 */
export function competitionFor(own: readonly number[], others: readonly Rivals[]): Competition {
  const reach = new Set(own);
  const left = new Set(others.filter(({ stations }) => stations.length > 0));
  const competing: Rivals[] = [];
  for (let grew = true; grew;) {
    grew = false;
    for (const rivals of left) {
      if (!rivals.stations.some(station => reach.has(station))) continue;
      for (const station of rivals.stations) reach.add(station);
      left.delete(rivals);
      competing.push(rivals);
      grew = true;
    }
  }
  const stations = [...reach];
  const places = new Map(stations.map((station, place) => [station, place]));
  const placesOf = (chosen: readonly number[]): number[] =>
    chosen.map(station => places.get(station) as number).sort((a, b) => a - b);
  return { stations, rivals: byChoice(competing, placesOf), own: placesOf(own) };
}

function byChoice(competing: readonly Rivals[], placesOf: (stations: readonly number[]) => number[]): Rivals[] {
  const choices = new Map<string, Rivals>();
  const add = (key: string, stations: readonly number[], { ahead, comingPerMs }: Rivals): void => {
    const known = choices.get(key);
    choices.set(key, {
      stations: known ? [...new Set([...known.stations, ...stations])] : stations,
      ahead: known ? sumOf(known.ahead, ahead) : ahead,
      comingPerMs: (known?.comingPerMs ?? 0) + comingPerMs,
    });
  };
  let several = 0;
  for (const rivals of competing) {
    const stations = placesOf(rivals.stations);
    const key = stations.join();
    if (stations.length > 1 && !choices.has(key)) several++;
    add(several > CHOICES_MAX && !choices.has(key) ? 'others' : key, stations, rivals);
  }
  return [...choices.values()].sort((a, b) => a.stations.length - b.stations.length);
}

function sumOf(a: Work, b: Work): Work {
  return {
    tasks: a.tasks + b.tasks,
    promptTokens: a.promptTokens + b.promptTokens,
    askedTokens: a.askedTokens + b.askedTokens,
  };
}
