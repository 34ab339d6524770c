import { randomSeries, tokenPieces } from './vocabulary';

const DIMENSIONS = 64;

/** A vector of a text, of length 1: the sum of those of its words, so that texts that share words are near each other. */
export function embedding(text: string, dimensions = DIMENSIONS): readonly number[] {
  const sum = new Array<number>(dimensions).fill(0);
  for (const piece of tokenPieces(text.toLowerCase())) {
    const random = randomSeries(piece.trim());
    for (let at = 0; at < dimensions; at++) sum[at] = (sum[at] ?? 0) + random() * 2 - 1;
  }
  const length = Math.hypot(...sum) || 1;
  return sum.map(value => Math.fround(value / length));
}

/** Little-endian 32-bit floats, as every engine encodes them. */
export function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, at * 4);
  return bytes.toString('base64');
}

/** How near two texts are, from -1 to 1. */
export function nearness(one: string, other: string): number {
  const [a, b] = [embedding(one), embedding(other)];
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
}

/** Documents by their nearness to the query, the nearest first. */
export function ranked(
  query: string,
  documents: readonly string[],
  most = documents.length,
): readonly { readonly index: number; readonly text: string; readonly score: number }[] {
  const scored = documents.map((text, index) => ({ index, text, score: nearness(query, text) }));
  return scored.sort((a, b) => b.score - a.score || a.index - b.index).slice(0, most);
}
