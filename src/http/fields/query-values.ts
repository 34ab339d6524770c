import { Transform } from 'class-transformer';

/*
 * What a query holds is text. In its one usual form it becomes what it says; anything else stays as it is, and is refused by the
 * check of its field.
 */

export function WholeNumberText(): PropertyDecorator {
  return Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^(0|-?[1-9][0-9]{0,14})$/.test(value) ? Number(value) : value,
  );
}

export function FlagText(): PropertyDecorator {
  return Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value));
}
