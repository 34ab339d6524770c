import { ranked } from '../../embedding';
import type { EngineCore } from '../../engine-core';
import type { ModelInstance } from '../../model-instance';
import { serveOnce, tokensOf } from '../../one-shot';
import type { Routes } from '../../routes/routes';
import { bodyOf, modelIn } from './checks';
import { documentsIn, topOf, vectorsOf } from './embeddings';
import { chatRefusals, openaiErrors } from './errors';
import { promptsIn } from './request';

const MOST_INPUTS = 2048;

/** Embeddings as OpenAI has them; the order of documents as servers of its API that have it word it. */
export function poolingRoutes(core: EngineCore, instance: ModelInstance): Routes {
  return {
    'POST /v1/embeddings': exchange => {
      const body = bodyOf(exchange);
      const model = modelIn(body, core.settings);
      if (body.input === undefined) throw openaiErrors.missing('input');
      const texts = promptsIn(body.input);
      if (texts.length === 0 || texts.includes('')) throw openaiErrors.invalid(null, "'$.input' is invalid.", 'input');
      if (texts.length > MOST_INPUTS) {
        const text = `Invalid 'input': array too long. Expected an array with maximum length ${MOST_INPUTS}.`;
        throw openaiErrors.invalid('array_above_max_length', text, 'input');
      }
      const tokens = tokensOf(texts);
      return serveOnce(core, instance, exchange, texts, chatRefusals, () => ({
        object: 'list',
        data: vectorsOf(body).map((embedding, index) => ({ object: 'embedding', index, embedding })),
        model,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      }));
    },
    'POST /v1/rerank': exchange => {
      const body = bodyOf(exchange);
      const model = modelIn(body, core.settings);
      const { query } = body;
      if (typeof query !== 'string') throw openaiErrors.missing('query');
      const documents = documentsIn(body);
      if (documents.length === 0) throw openaiErrors.missing('documents');
      const tokens = tokensOf([...documents, ...documents.map(() => query)]);
      return serveOnce(core, instance, exchange, [query, ...documents], chatRefusals, () => ({
        model,
        usage: { total_tokens: tokens },
        results: ranked(query, documents, topOf(body)).map(({ index, text, score }) => ({
          ...{ index, relevance_score: score },
          ...(body.return_documents !== false && { document: { text } }),
        })),
      }));
    },
  };
}
