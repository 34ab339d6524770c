import { BooleanField, ChoiceField, IdField, IntField, TextField } from '../http/fields/fields';
import { CursorField, PageQuery } from '../http/fields/page';
import { FlagText, WholeNumberText } from '../http/fields/query-values';
import { taskStates } from './task/task';

export class TaskListQuery extends PageQuery {
  @CursorField(/^[0-9]{1,15}$/)
  cursor?: string;

  @ChoiceField({ description: 'Only tasks in this state.', values: taskStates, optional: true })
  state?: (typeof taskStates)[number];

  @IdField({ description: 'Only tasks of this session.', optional: true })
  session_id?: string;
}

/** The longest that a request is kept waiting, in seconds: what lies between may close a connection that is silent for longer. */
const WAIT_MAX_S = 600;

class WaitQuery {
  @WholeNumberText()
  @IntField({
    description: 'Seconds to wait for the end of the task before the answer comes; 0, not at all, when absent.',
    min: 0,
    max: WAIT_MAX_S,
    optional: true,
  })
  wait: number = 0;
}

export class SubmitQuery extends WaitQuery {}

export class TaskQuery extends WaitQuery {
  @FlagText()
  @BooleanField({ description: 'Adds the text that the task has put out so far.', optional: true })
  output?: boolean;
}

export class TaskEventsQuery {
  @FlagText()
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
