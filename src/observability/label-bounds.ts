import { labelBounds, type LabelName } from './metric-catalogue';

export type Labels = Partial<Record<LabelName, string>>;

const OVERFLOW = 'other';

/**
 * Lets each label of one metric take a bounded number of values. Each metric has bounds of its own, so that what is counted
 * under names that clients give (refusals, say) takes no room from what is counted under the names of real replicas.
 */
export class LabelBounds {
  private readonly seen = new Map<LabelName, Set<string>>();

  /** Changes the labels that it is given, and gives them back. */
  bound(labels: Labels): Labels {
    for (const label in labels)
      labels[label as LabelName] = this.bounded(label as LabelName, labels[label as LabelName] ?? '');
    return labels;
  }

  /** The value, or `other` past the bound. The empty string ("not known") takes no room. */
  private bounded(label: LabelName, value: string): string {
    if (value === '') return value;
    let values = this.seen.get(label);
    if (!values) this.seen.set(label, (values = new Set()));
    if (values.has(value)) return value;
    if (values.size >= labelBounds[label]) return OVERFLOW;
    values.add(value);
    return value;
  }
}
