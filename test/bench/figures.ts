/** Of figures that vary from run to run, the middle one. Throws where there is none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value that a share `q` (0 to 1) of them does not pass. Throws where there is none. */
function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  if (value === undefined) throw new Error('there is nothing to take a quantile of');
  return value;
}

/** A latency as the tables show it. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export function latencyOf(timesMs: readonly number[]): Latency {
  return { p50Ms: quantile(timesMs, 0.5), p99Ms: quantile(timesMs, 0.99) };
}

/** Least squares: how much `y` grows for one of `x`. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  let [along, square] = [0, 0];
  for (const [x, y] of points) {
    along += (x - meanX) * (y - meanY);
    square += (x - meanX) ** 2;
  }
  return along / square;
}

/** Three digits that mean something; whole numbers above a thousand. */
export function shown(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  if (size >= 10) return value.toFixed(1);
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}

/** How many times as much. */
export function times(value: number, floor: number): string {
  return `${(value / floor).toFixed(2)} ×`;
}
