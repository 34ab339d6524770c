import { Transform } from 'class-transformer';
import { BooleanField, ChoiceField, IdField, TextField } from '../http/fields';
import { CursorField, PageQuery } from '../http/page';
import { taskStates } from './task';

export class TaskListQuery extends PageQuery {
  @CursorField(/^[0-9]{1,15}$/)
  cursor?: string;

  @ChoiceField({ description: 'Only tasks in this state.', values: taskStates, optional: true })
  state?: (typeof taskStates)[number];

  @IdField({ description: 'Only tasks of this session.', optional: true })
  session_id?: string;
}

export class TaskEventsQuery {
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @BooleanField({ description: 'Adds what a person would want to read.', optional: true })
  verbose?: boolean;

  @TextField({
    description: 'Goes on after this event, as the header `Last-Event-ID` does.',
    maxLength: 15,
    pattern: /^[0-9]+$/,
    optional: true,
  })
  last_event_id?: string;
}
