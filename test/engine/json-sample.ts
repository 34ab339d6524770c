type Schema = Readonly<Record<string, unknown>>;

/** Deeper than that, what may be left out is. */
const DEPTH = 6;

/** A value that a JSON schema allows, the same for the same series of numbers. What it does not know it takes for anything. */
export function jsonSample(schema: unknown, random: () => number, words: readonly string[]): unknown {
  const root = objectOf(schema);
  const word = () => (words[Math.floor(random() * words.length)] ?? 'word').trim();
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];

  const sample = (part: unknown, depth: number): unknown => {
    const one = objectOf(part);
    if (typeof one.$ref === 'string') return depth > DEPTH ? null : sample(resolve(root, one.$ref), depth + 1);
    if ('const' in one) return one.const;
    if (Array.isArray(one.enum)) return pick(one.enum);
    for (const choice of [one.anyOf, one.oneOf]) if (Array.isArray(choice)) return sample(pick(choice), depth + 1);
    if (Array.isArray(one.allOf))
      return sample(Object.assign({}, one, ...one.allOf.map(objectOf), { allOf: 0 }), depth);
    switch (typeOf(one, pick)) {
      case 'object':
        return sampleObject(one, depth);
      case 'array': {
        const least = numberOf(one.minItems, 1);
        return Array.from({ length: depth > DEPTH ? least : Math.max(least, 1) }, () => sample(one.items, depth + 1));
      }
      case 'integer':
      case 'number':
        return Math.min(numberOf(one.minimum, 1) + Math.floor(random() * 3), numberOf(one.maximum, Infinity));
      case 'boolean':
        return random() < 0.5;
      case 'null':
        return null;
      default:
        return word().padEnd(numberOf(one.minLength, 0), 'a');
    }
  };

  const sampleObject = (one: Schema, depth: number): unknown => {
    const properties = Object.entries(objectOf(one.properties));
    const required = Array.isArray(one.required) ? one.required : [];
    const wanted = properties.filter(([name]) => depth <= DEPTH || required.includes(name));
    return Object.fromEntries(wanted.map(([name, value]) => [name, sample(value, depth + 1)]));
  };

  return sample(schema, 0);
}

function typeOf(one: Schema, pick: <T>(list: readonly T[]) => T | undefined): unknown {
  if (Array.isArray(one.type)) return pick(one.type.filter(type => type !== 'null'));
  return one.type ?? (one.properties ? 'object' : one.items ? 'array' : 'string');
}

/** `#/$defs/name` and the like. */
function resolve(root: Schema, reference: string): unknown {
  const steps = reference.replace(/^#\/?/, '').split('/').filter(Boolean);
  return steps.reduce<unknown>((at, step) => objectOf(at)[step], root);
}

function objectOf(value: unknown): Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : {};
}

function numberOf(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback;
}
