import { ranked } from '../../embedding';
import type { EngineCore } from '../../engine-core';
import type { ModelInstance } from '../../model-instance';
import { serveOnce, tokensOf } from '../../one-shot';
import type { Routes } from '../../routes/routes';
import { detokenize, tokenize } from '../../vocabulary';
import { documentsIn, topOf, vectorsOf } from '../openai/embeddings';
import { promptsIn } from '../openai/request';
import { hexId } from '../random-id';
import { chatRefusals, sglangErrors } from './errors';
import { bodyOf } from './generate.routes';

/** Embeddings, order and tokens. A model that generates refuses the first two. */
export function poolingRoutes(core: EngineCore, instance: ModelInstance): Routes {
  const { settings } = core;
  return {
    'POST /v1/embeddings': exchange => {
      const body = bodyOf(exchange);
      if (settings.serves !== 'embeddings') {
        throw sglangErrors.bad(
          'This model does not appear to be an embedding model by default. Please add `--is-embedding`.',
        );
      }
      const texts = promptsIn(body.input ?? []);
      if (texts.length === 0 || texts.includes('')) throw sglangErrors.bad('Input cannot be empty');
      const tokens = tokensOf(texts);
      return serveOnce(core, instance, exchange, texts, chatRefusals, () => ({
        data: vectorsOf(body).map((embedding, index) => ({ embedding, index, object: 'embedding' })),
        model: typeof body.model === 'string' ? body.model : settings.model,
        object: 'list',
        usage: {
          prompt_tokens: tokens,
          total_tokens: tokens,
          completion_tokens: 0,
          prompt_tokens_details: null,
          reasoning_tokens: 0,
        },
      }));
    },
    'POST /v1/rerank': exchange => {
      const body = bodyOf(exchange);
      const { query } = body;
      if (settings.serves === 'text') throw sglangErrors.bad('This model does not support reranking.');
      if (typeof query !== 'string' || query === '') throw sglangErrors.bad('Query cannot be empty');
      const documents = documentsIn(body);
      if (documents.length === 0) throw sglangErrors.bad('Documents cannot be empty');
      return serveOnce(core, instance, exchange, [query, ...documents], chatRefusals, () =>
        ranked(query, documents, topOf(body)).map(({ index, text, score }) => ({
          ...{ score, document: text, index },
          meta_info: { id: hexId(32), finish_reason: null, prompt_tokens: tokensOf([query, text]) },
        })),
      );
    },
    'POST /v1/tokenize': exchange => {
      const { prompt } = bodyOf(exchange);
      const lists = promptsIn(prompt ?? '').map(text => tokenize(text));
      const counts = lists.map(({ length }) => length);
      const [tokens, count] = Array.isArray(prompt) ? [lists, counts] : [lists[0] ?? [], counts[0] ?? 0];
      exchange.sendJson(200, { tokens, count, max_model_len: settings.ctxTokens });
    },
    'POST /v1/detokenize': exchange => {
      const { tokens } = bodyOf(exchange);
      exchange.sendJson(200, { text: Array.isArray(tokens) ? detokenize(tokens) : '' });
    },
  };
}
