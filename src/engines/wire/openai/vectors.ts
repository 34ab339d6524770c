/** Little-endian 32-bit floats, as OpenAI has them. What is no number counts as none. */
export function base64Of(vector: readonly unknown[]): string {
  const bytes = Buffer.allocUnsafe(4 * vector.length);
  vector.forEach((value, at) => bytes.writeFloatLE(typeof value === 'number' ? value : NaN, 4 * at));
  return bytes.toString('base64');
}
