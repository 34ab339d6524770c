import { buildMessage, ValidateBy } from 'class-validator';

export const MAX_TEXTS = 256;

/** Accepts a string, or an array of up to {@link MAX_TEXTS} strings. */
export function IsTextOrTexts(): PropertyDecorator {
  return ValidateBy({
    name: 'isTextOrTexts',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string' ||
        (Array.isArray(value) && value.length <= MAX_TEXTS && value.every(member => typeof member === 'string')),
      defaultMessage: buildMessage(
        prefix => `${prefix}$property must be a string or an array of at most ${MAX_TEXTS} strings`,
      ),
    },
  });
}
