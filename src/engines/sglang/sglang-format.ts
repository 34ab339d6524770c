import type { EngineEvent } from '../engine-adapter.port';
import { integerOf, itemsOf, membersOf, parseJson } from '../wire/engine-json';
import { ResultFormat } from '../wire/openai/result-format';

const MAX_DOCUMENTS = 16_384;

/** SGLang ranks with a bare list of scores, which newer versions wrap as Jina does. */
export class SglangRerankFormat extends ResultFormat {
  constructor() {
    super('sglang', 'rerank', false);
  }

  override read(data: string, into: EngineEvent[]): void {
    if (!data.trimStart().startsWith('[')) return super.read(data, into);
    const results = itemsOf(parseJson(data), MAX_DOCUMENTS).map((item, at) => {
      const { index, score, document } = membersOf(item);
      return {
        index: integerOf(index) ?? at,
        relevance_score: score,
        ...(document !== undefined && document !== null && { document: { text: document } }),
      };
    });
    super.read(JSON.stringify({ results }), into);
  }
}
