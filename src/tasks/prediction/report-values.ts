/* Values of a report of another node, of whatever version it is: what is not as it should be is left out. */

/** An id has 128 characters at most. */
export const ID_MAX = 128;

export function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity;
}

export function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most;
}

export function membersIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
