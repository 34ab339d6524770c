import { AnswerChoice, AnswerCount, AnswerFlag, AnswerParts, AnswerText } from '../http/fields/answer-fields';
import { ChoiceField, IntField, TextField } from '../http/fields/fields';
import { WholeNumberText } from '../http/fields/query-values';
import { purposes, type Purpose, type StoredFile } from './stored-file';

export class FileListQueryDto {
  @WholeNumberText()
  @IntField({ description: 'Most files of one page (10000).', min: 1, max: 10_000, optional: true })
  limit?: number;

  @ChoiceField({ description: 'By when they were made (desc).', values: ['asc', 'desc'], optional: true })
  order?: 'asc' | 'desc';

  @TextField({ description: 'The id of the last file of the page before.', maxLength: 128, optional: true })
  after?: string;

  @ChoiceField({ description: 'Only files for this.', values: purposes, optional: true })
  purpose?: Purpose;
}

export class FileView {
  @AnswerText('By which it is asked for.') id!: string;
  @AnswerChoice('What this is.', ['file']) object!: 'file';
  @AnswerCount('Its length.') bytes!: number;
  @AnswerCount('Unix seconds: when it was made.') created_at!: number;
  @AnswerCount('Unix seconds: from when on it may be gone.') expires_at!: number;
  @AnswerText('As its client named it.') filename!: string;
  @AnswerChoice('What it is for.', purposes) purpose!: Purpose;
  @AnswerChoice('It is all there.', ['processed']) status!: 'processed';
}

export class FileListView {
  @AnswerChoice('What this is.', ['list']) object!: 'list';
  @AnswerParts('In the order that was asked for.', FileView) data!: readonly FileView[];
  @AnswerText('Of the first file of the page; empty where there is none.') first_id!: string;
  @AnswerText('Of the last one.') last_id!: string;
  @AnswerFlag('More follow after the last one.') has_more!: boolean;
}

export class FileDeletedView {
  @AnswerText('What it was asked for by.') id!: string;
  @AnswerChoice('What it was.', ['file']) object!: 'file';
  @AnswerFlag('It is gone.') deleted!: boolean;
}

export function toFileView({ id, bytes, createdAt, expiresAt, filename, purpose }: StoredFile): FileView {
  return {
    id,
    object: 'file',
    bytes,
    created_at: createdAt,
    expires_at: expiresAt,
    filename,
    purpose,
    status: 'processed',
  };
}
