/** Edits up to which a name counts as another one, mistyped. */
const MOST_EDITS = 6;
/** A longer one is not looked for: what it costs grows with the length. */
const MOST_CHARACTERS = 64;

/** The known name that somebody may have meant; undefined where none is near. */
export function nearestName(name: string, known: Iterable<string>, mostEdits = MOST_EDITS): string | undefined {
  if (name.length > MOST_CHARACTERS) return undefined;
  const nearest = [...known].map(each => ({ each, distance: editDistance(name, each) }));
  nearest.sort((a, b) => a.distance - b.distance);
  const [best] = nearest;
  return best && best.distance <= mostEdits ? best.each : undefined;
}

/** Levenshtein distance; names are short, so the plain quadratic form is enough. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
