import { LESSONS_MAX, waits, type AttemptLesson, type Lessons, type StartLesson } from './paces';
import { ID_MAX, isAmount, isText, listIn } from './report-values';

/** Milliseconds need no more. */
function short(value: number): number {
  return Math.round(value * 1000) / 1000;
}

export function rowsOfAttempts({ attempts }: Lessons): readonly unknown[] {
  return attempts.map(({ poolId, measure }) => [
    poolId,
    short(measure.promptTokens),
    measure.cachedShare === undefined ? -1 : short(measure.cachedShare),
    measure.askedTokens,
    short(measure.prefillMs),
    short(measure.decodeMs),
    measure.tokens,
    measure.stoppedByItself ? 1 : 0,
    short(measure.beside),
  ]);
}

export function rowsOfStarts({ starts }: Lessons): readonly unknown[] {
  return starts.map(({ poolId, wait, outlook: { startMs, sdMs }, actualMs, weight }) => [
    poolId ?? null,
    wait,
    ...[startMs, sdMs, actualMs, weight].map(short),
  ]);
}

export function attemptsIn(rows: unknown): readonly AttemptLesson[] {
  return listIn(rows)
    .slice(0, LESSONS_MAX)
    .flatMap((row): AttemptLesson[] => {
      const [poolId, promptTokens, cachedShare, askedTokens, prefillMs, decodeMs, tokens, stopped, beside] =
        listIn(row);
      const isCached = isAmount(cachedShare) && cachedShare <= 1;
      if (!isText(poolId, ID_MAX) || !isAmount(promptTokens) || !(isCached || cachedShare === -1)) return [];
      if (!isAmount(askedTokens) || !isAmount(prefillMs) || !isAmount(decodeMs)) return [];
      if (!isAmount(tokens) || !isAmount(beside)) return [];
      const measure = {
        ...{ promptTokens, askedTokens, prefillMs, decodeMs, tokens, beside },
        ...(isCached && { cachedShare }),
        stoppedByItself: stopped === 1,
      };
      return [{ poolId, measure }];
    });
}

export function startsIn(rows: unknown): readonly StartLesson[] {
  return listIn(rows)
    .slice(0, LESSONS_MAX)
    .flatMap((row): StartLesson[] => {
      const [poolId, name, startMs, sdMs, actualMs, weight] = listIn(row);
      const wait = waits.find(each => each === name);
      if (!(poolId === null || isText(poolId, ID_MAX)) || !wait || !isAmount(startMs)) return [];
      if (!isAmount(sdMs) || sdMs === 0 || !isAmount(actualMs) || !isAmount(weight) || weight > 1) return [];
      return [{ poolId: poolId ?? undefined, wait, outlook: { startMs, sdMs }, actualMs, weight }];
    });
}
