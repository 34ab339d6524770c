import { labelBounds, type LabelName } from './metric-catalogue';

const OVERFLOW = 'other';

/** Lets each label take a bounded number of values. The empty string ("not known") takes no room. */
export class LabelBounds {
  private readonly seen = new Map<LabelName, Set<string>>();

  bounded(label: LabelName, value: string): string {
    if (value === '') return value;
    let values = this.seen.get(label);
    if (!values) this.seen.set(label, (values = new Set()));
    if (values.has(value)) return value;
    if (values.size >= labelBounds[label]) return OVERFLOW;
    values.add(value);
    return value;
  }
}
