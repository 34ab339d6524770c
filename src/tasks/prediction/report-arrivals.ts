import type { PlacementConstraints } from '../../pools/placement/constraints';
import { ID_MAX, isAmount, isText, listIn, membersIn } from './report-values';

/** Tasks that come to a node and go before what waits: where they may run, and how many in a second. */
export interface ArrivalRate {
  readonly constraints: PlacementConstraints;
  readonly perS: number;
}

/** Kinds in one report, those that come most; and characters of what they ask for, together. */
const KINDS_MAX = 32;
const TEXT_MAX = 16_384;
/** As many as a task may prefer or avoid, and more than any does. */
const POOLS_MAX = 256;
const TEXT_OF_NAME_MAX = 512;

export function rowsOfArrivals(all: readonly ArrivalRate[]): readonly unknown[] {
  const rows: unknown[] = [];
  let left = TEXT_MAX;
  for (const { constraints, perS } of [...all].sort((a, b) => b.perS - a.perS).slice(0, KINDS_MAX)) {
    left -= JSON.stringify(constraints).length;
    if (left < 0) break;
    rows.push([constraints, Math.round(perS * 1000) / 1000]);
  }
  return rows;
}

export function arrivalsIn(rows: unknown): readonly ArrivalRate[] {
  return listIn(rows)
    .slice(0, KINDS_MAX)
    .flatMap((row): ArrivalRate[] => {
      const [asked, perS] = listIn(row);
      const constraints = constraintsIn(asked);
      return constraints && isAmount(perS) ? [{ constraints, perS }] : [];
    });
}

/** Undefined where it asks for what nobody here knows, as one of another version may: without that it would be another kind. */
function constraintsIn(value: unknown): PlacementConstraints | undefined {
  const { pinPoolId, preferPools, avoidPools, engine, modelRef, ctx, workload, ...more } = membersIn(value);
  if (Object.keys(more).length > 0 || !isPools(preferPools) || !isPools(avoidPools)) return undefined;
  if (!isText(workload, TEXT_OF_NAME_MAX) || !isName(pinPoolId) || !isName(engine) || !isName(modelRef))
    return undefined;
  if (ctx !== undefined && !isAmount(ctx)) return undefined;
  return {
    ...{ preferPools, avoidPools, workload },
    ...(pinPoolId !== undefined && { pinPoolId }),
    ...(engine !== undefined && { engine }),
    ...(modelRef !== undefined && { modelRef }),
    ...(ctx !== undefined && { ctx }),
  };
}

function isPools(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= POOLS_MAX && value.every(each => isText(each, ID_MAX));
}

function isName(value: unknown): value is string | undefined {
  return value === undefined || isText(value, TEXT_OF_NAME_MAX);
}
