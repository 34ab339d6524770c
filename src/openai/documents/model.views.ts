import { AnswerChoice, AnswerCount, AnswerParts, AnswerText } from '../../http/fields/answer-fields';
import type { ListedModel } from '../requests/model-names';

export class OpenaiModelView {
  @AnswerText('The name by which requests ask for it.') id!: string;
  @AnswerChoice('What this is.', ['model']) object!: 'model';
  @AnswerCount('Unix seconds: since when it is there.') created!: number;
  @AnswerText('The kind of engine that has it; `alias`, or `catalogue` where no engine has it.') owned_by!: string;
}

export class OpenaiModelsView {
  @AnswerChoice('What this is.', ['list']) object!: 'list';
  @AnswerParts('By name.', OpenaiModelView) data!: readonly OpenaiModelView[];
}

export function toModelView({ id, created, ownedBy }: ListedModel): OpenaiModelView {
  return { id, object: 'model', created, owned_by: ownedBy };
}
