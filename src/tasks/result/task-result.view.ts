import {
  AnswerCount,
  AnswerFlag,
  AnswerPart,
  AnswerParts,
  AnswerText,
  AnswerJson,
  AnswerList,
} from '../../http/fields/answer-fields';
import { WarningView } from '../../http/fields/unknown-members';
import { TaskView, toTaskView } from '../lookup/task.view';
import type { OutputText } from './output-reader';
import type { TaskResult } from './task-results';

export class TaskOutputView {
  @AnswerText(
    'What its tokens say, one after the other, as far as they have come; of several choices the first; at most 1 MiB.',
  )
  text!: string;
  @AnswerFlag('More has come than fits: it is in the events after `last_event_id`.') truncated!: boolean;
  @AnswerCount('Id of the last event that is in it; 0 before there is one. A stream can go on from there.')
  last_event_id!: number;
  @AnswerList(
    'What there is beyond plain text (tool calls, reasoning, logprobs, other choices): choices as OpenAI’s API has them.',
    {
      optional: true,
    },
  )
  choices?: readonly object[];
  @AnswerJson('Of embeddings and ranks: all of it at once.', { optional: true }) result?: object;
}

/** A task with what it has put out. */
export class TaskResultView extends TaskView {
  @AnswerPart('Where it was asked for, and the events of the task are still kept.', TaskOutputView, { optional: true })
  output?: TaskOutputView;
  @AnswerParts('Of a submission: what is odd about the request, such as fields that are not known.', WarningView, {
    optional: true,
  })
  warnings?: readonly WarningView[];
}

export function toResultView({ record, output }: TaskResult): TaskResultView {
  return {
    ...toTaskView(record),
    ...(output && { output: toOutputView(output) }),
  };
}

function toOutputView({ text, truncated, lastSeq, choices, result }: OutputText): TaskOutputView {
  return { text, truncated, last_event_id: lastSeq, ...(choices && { choices }), ...(result && { result }) };
}
