import { CheckedField } from '../../http/fields';

const MAX_TEXTS = 256;

/** A string, or an array of up to {@link MAX_TEXTS} strings. */
export function TextOrTextsField(): PropertyDecorator {
  return CheckedField(
    {
      description: `In place of \`prompt\`: a text, or up to ${MAX_TEXTS} that are joined with line ends.`,
      optional: true,
    },
    { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, maxItems: MAX_TEXTS }] },
    value =>
      typeof value === 'string' ||
      (Array.isArray(value) && value.length <= MAX_TEXTS && value.every(member => typeof member === 'string')),
    `inputs must be a string or an array of at most ${MAX_TEXTS} strings`,
  );
}
