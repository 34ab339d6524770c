import { answerOfResult } from './embedding-format';
import { JsonText } from './rendering';
import { embeddingUsageOf, WholeAnswer } from './whole-answer';

/** A whole answer that goes out as it is, and so can be the text of what the engine sent. */
export class SentAnswer extends WholeAnswer {
  protected override embeddings(tokensIn: number): object {
    const { facts, request, result } = this;
    const more = `"model":${JSON.stringify(facts.model)},"usage":${JSON.stringify(embeddingUsageOf(tokensIn))}`;
    const text = answerOfResult(request.body['encoding_format'], result, more);
    return text === undefined ? super.embeddings(tokensIn) : new JsonText(text);
  }
}
