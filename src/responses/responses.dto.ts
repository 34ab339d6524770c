import { BooleanField, ChoiceField, IntField, TextField } from '../http/fields/fields';
import { FlagText, WholeNumberText } from '../http/fields/query-values';

export class ResponseQuery {
  @FlagText()
  @BooleanField({ description: 'As events, from the first one on.', optional: true })
  stream?: boolean;

  @WholeNumberText()
  @IntField({
    description: 'With `stream`: only events after the one with this `sequence_number`.',
    min: 0,
    max: 999_999_999,
    optional: true,
  })
  starting_after?: number;
}

export class InputItemsQuery {
  @WholeNumberText()
  @IntField({ description: 'Most items of one page (20).', min: 1, max: 100, optional: true })
  limit?: number;

  @ChoiceField({ description: 'In which order (desc).', values: ['asc', 'desc'] as const, optional: true })
  order?: 'asc' | 'desc';

  @TextField({ description: 'The id of the last item of the page before.', maxLength: 256, optional: true })
  after?: string;
}
