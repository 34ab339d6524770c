import { CheckedField } from '../../http/fields/fields';

const MAX_TEXTS = 256;

export const textOrTextsSchema = {
  description: `In place of \`prompt\`: a text, or up to ${MAX_TEXTS} that are joined with line ends.`,
  oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, maxItems: MAX_TEXTS }],
};

/** A string, or an array of up to {@link MAX_TEXTS} strings. */
export function TextOrTextsField(): PropertyDecorator {
  const { description, oneOf } = textOrTextsSchema;
  return CheckedField(
    { description, optional: true },
    { oneOf },
    value =>
      typeof value === 'string' ||
      (Array.isArray(value) && value.length <= MAX_TEXTS && value.every(member => typeof member === 'string')),
    `inputs must be a string or an array of at most ${MAX_TEXTS} strings`,
  );
}
