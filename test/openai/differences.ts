/** What one side has and the other has not, or has otherwise; places in lists as `[]`. */
export interface Difference {
  readonly path: string;
  readonly kind: 'left out' | 'added' | 'changed';
}

export function differencesOf(before: unknown, after: unknown, path = ''): Difference[] {
  if (Array.isArray(before) && Array.isArray(after)) {
    const most = Math.max(before.length, after.length);
    return Array.from({ length: most }, (_, at) => at).flatMap(at =>
      at >= before.length || at >= after.length
        ? [{ path: `${path}[]`, kind: at >= before.length ? ('added' as const) : ('left out' as const) }]
        : differencesOf(before[at], after[at], `${path}[]`),
    );
  }
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap(name => {
      const below = path === '' ? name : `${path}.${name}`;
      if (!(name in after)) return [{ path: below, kind: 'left out' as const }];
      if (!(name in before)) return [{ path: below, kind: 'added' as const }];
      return differencesOf(before[name], after[name], below);
    });
  }
  return Object.is(before, after) ? [] : [{ path, kind: 'changed' }];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
