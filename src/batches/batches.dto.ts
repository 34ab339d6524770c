import { ApiProperty } from '../http/documents/decorators';
import {
  AnswerChoice,
  AnswerCount,
  AnswerFlag,
  AnswerPart,
  AnswerParts,
  AnswerText,
} from '../http/fields/answer-fields';
import { ChoiceField, IntField, JsonField, TextField } from '../http/fields/fields';
import { WholeNumberText } from '../http/fields/query-values';
import { batchEndpoints, type BatchEndpoint } from './lines/request-line';
import { endStatuses, openStatuses, type BatchStatus } from './batch/stored-batch';

const FILE_ID_MAX = 128;

export class CreateBatchDto {
  @TextField({ description: 'The file with its requests, a line each.', minLength: 1, maxLength: FILE_ID_MAX })
  input_file_id!: string;

  @ChoiceField({ description: 'Whose requests they are.', values: batchEndpoints })
  endpoint!: BatchEndpoint;

  @TextField({
    description:
      'Within which it is to be done: a number with s, m, h or d. Requests that have not ended by then fail.',
    maxLength: 16,
    pattern: /^[1-9][0-9]{0,5}[smhd]$/,
    form: 'a whole number of seconds, minutes, hours or days: 90s, 30m, 24h, 7d',
    example: '24h',
  })
  completion_window!: string;

  @JsonField({ description: 'Up to 16 texts by name, given back with the batch.', optional: true })
  metadata?: unknown;

  @JsonField({ description: 'How long its files are kept: `anchor` `created_at`, and `seconds`.', optional: true })
  output_expires_after?: unknown;
}

export class BatchListQuery {
  @WholeNumberText()
  @IntField({ description: 'Most batches of one page (20).', min: 1, max: 100, optional: true })
  limit?: number;

  @TextField({ description: 'The id of the last batch of the page before.', maxLength: 128, optional: true })
  after?: string;
}

export class BatchErrorView {
  @AnswerText('What is wrong, for programs.') code!: string;
  @AnswerText('What is wrong, for people.') message!: string;
  @AnswerText('The member at fault.', { nullable: true }) param!: string | null;
  @AnswerCount('The line at fault, from 1.', { nullable: true }) line!: number | null;
}

export class BatchErrorsView {
  @AnswerChoice('What this is.', ['list']) object!: 'list';
  @AnswerParts('By line.', BatchErrorView) data!: readonly BatchErrorView[];
}

export class RequestCountsView {
  @AnswerCount('All; 0 until the file was looked at.') total!: number;
  @AnswerCount('Those in the output file.') completed!: number;
  @AnswerCount('Those in the error file.') failed!: number;
}

export class InputTokensView {
  @AnswerCount("Read from an engine's cache.") cached_tokens!: number;
}

export class OutputTokensView {
  @AnswerCount('Thoughts.') reasoning_tokens!: number;
}

export class BatchUsageView {
  @AnswerCount('Tokens that went in.') input_tokens!: number;
  @AnswerPart('Of those.', InputTokensView) input_tokens_details!: InputTokensView;
  @AnswerCount('Tokens that came out.') output_tokens!: number;
  @AnswerPart('Of those.', OutputTokensView) output_tokens_details!: OutputTokensView;
  @AnswerCount('All of them.') total_tokens!: number;
}

const TIME = 'Unix seconds: since when it is';

export class BatchView {
  @AnswerText('By which it is asked for.') id!: string;
  @AnswerChoice('What this is.', ['batch']) object!: 'batch';
  @AnswerChoice('Whose requests it has.', batchEndpoints) endpoint!: BatchEndpoint;
  @AnswerPart('Why it failed.', BatchErrorsView, { optional: true }) errors?: BatchErrorsView;
  @AnswerText('The file with its requests.') input_file_id!: string;
  @AnswerText('As it was asked for.') completion_window!: string;
  @AnswerChoice('How far it is.', [...openStatuses, ...endStatuses]) status!: BatchStatus;
  @AnswerText('Answers; null until it has ended, and where there is none.', { nullable: true })
  output_file_id!: string | null;
  @AnswerText('Requests that failed, likewise.', { nullable: true }) error_file_id!: string | null;
  @AnswerCount('Unix seconds: when it was made.') created_at!: number;
  @AnswerCount(`${TIME} in progress.`, { nullable: true }) in_progress_at!: number | null;
  @AnswerCount('Unix seconds: when its window ends.') expires_at!: number;
  @AnswerCount(`${TIME} finalizing.`, { nullable: true }) finalizing_at!: number | null;
  @AnswerCount(`${TIME} completed.`, { nullable: true }) completed_at!: number | null;
  @AnswerCount(`${TIME} failed.`, { nullable: true }) failed_at!: number | null;
  @AnswerCount(`${TIME} expired.`, { nullable: true }) expired_at!: number | null;
  @AnswerCount(`${TIME} cancelling.`, { nullable: true }) cancelling_at!: number | null;
  @AnswerCount(`${TIME} cancelled.`, { nullable: true }) cancelled_at!: number | null;
  @AnswerPart('Its requests, as far as they are done.', RequestCountsView) request_counts!: RequestCountsView;
  @AnswerPart('Of the answers in its output file, at any time.', BatchUsageView) usage!: BatchUsageView;
  @ApiProperty({
    description: 'As it was given.',
    type: 'object',
    additionalProperties: { type: 'string' },
    nullable: true,
  })
  metadata!: Readonly<Record<string, string>> | null;
}

export class BatchListView {
  @AnswerChoice('What this is.', ['list']) object!: 'list';
  @AnswerParts('Newest first.', BatchView) data!: readonly BatchView[];
  @AnswerText('Of the first batch of the page.', { optional: true }) first_id?: string;
  @AnswerText('Of the last one.', { optional: true }) last_id?: string;
  @AnswerFlag('More follow after the last one.') has_more!: boolean;
}
