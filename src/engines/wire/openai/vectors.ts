const FLOAT_BYTES = 4;

/** Little-endian 32-bit floats, as OpenAI has them. What is no number counts as none. */
export function base64Of(vector: readonly unknown[]): string {
  const bytes = Buffer.allocUnsafe(FLOAT_BYTES * vector.length);
  // A view is read and written several times as fast as a buffer is by its methods.
  const floats = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at < vector.length; at++) {
    const value = vector[at];
    floats.setFloat32(FLOAT_BYTES * at, typeof value === 'number' ? value : NaN, true);
  }
  return bytes.toString('base64');
}
