/** One series of a scrape: `name{labels} value`. */
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/;

export interface Sample {
  /** As it stands in the scrape, between the braces. */
  readonly labels: string;
  readonly value: number;
}

/**
 * The samples of some families in a scrape (Prometheus' text format). Lines of other families, which are nearly all, are passed over
 * by their beginning; values that are no number are left out.
 */
export function samplesOf(scrape: string, names: readonly string[]): ReadonlyMap<string, readonly Sample[]> {
  const found = new Map<string, Sample[]>(names.map(name => [name, []]));
  for (let start = 0; start < scrape.length;) {
    const newline = scrape.indexOf('\n', start);
    const end = newline === -1 ? scrape.length : newline;
    if (names.some(name => scrape.startsWith(name, start))) {
      const [, name = '', labels = '', value = ''] = SAMPLE.exec(scrape.slice(start, end)) ?? [];
      const number = Number(value);
      if (value !== '' && Number.isFinite(number)) found.get(name)?.push({ labels, value: number });
    }
    start = end + 1;
  }
  return found;
}

/** The sum over all labels; undefined where there is no sample. */
export function sumOf(samples: readonly Sample[] | undefined): number | undefined {
  return samples && samples.length > 0 ? samples.reduce((sum, { value }) => sum + value, 0) : undefined;
}
