import { ranked } from '../../embedding';
import type { EngineCore } from '../../engine-core';
import { serveOnce, tokensOf } from '../../one-shot';
import type { Refusals } from '../../refusals';
import type { Handler, Routes } from '../../routes/routes';
import { documentsIn, topOf, vectorsOf } from '../openai/embeddings';
import { promptsIn, type Body } from '../openai/request';
import { openaiRefusals, wireErrors } from './errors';
import { bodyOf } from './http';
import type { ModelOf } from './model-of';

/** Too long an input counts as the server's failure. */
const refusals: Refusals = {
  ...openaiRefusals,
  tooLong: (promptTokens, ctxTokens) =>
    wireErrors.internal(
      `input (${promptTokens} tokens) is too large to process. increase the physical batch size (current batch size: ${ctxTokens})`,
    ),
};

/** Of a server that was started with `--embeddings`. */
export function embeddingRoutes(core: EngineCore, modelOf: ModelOf): Routes {
  const inputOf = (body: Body) => {
    const input = body.input ?? body.content;
    if (input === undefined) throw wireErrors.invalid('"input" or "content" must be provided');
    if (Array.isArray(input) && input.length === 0) throw wireErrors.internal('"prompt" must not be empty');
    return input;
  };
  const openai: Handler = async exchange => {
    const body = bodyOf(exchange);
    const input = inputOf(body);
    const format = body.encoding_format ?? 'float';
    if (format !== 'float' && format !== 'base64') {
      throw wireErrors.invalid('The format to return the embeddings in. Can be either float or base64');
    }
    const texts = promptsIn(input);
    const instance = await modelOf(exchange);
    const tokens = tokensOf(texts);
    await serveOnce(core, instance, exchange, texts, refusals, () => ({
      model: typeof body.model === 'string' ? body.model : instance.model,
      object: 'list',
      usage: { prompt_tokens: tokens, total_tokens: tokens },
      data: vectorsOf({ ...body, input, dimensions: undefined }).map((embedding, index) => ({
        ...{ embedding, index, object: 'embedding' },
        ...(format === 'base64' && { encoding_format: format }),
      })),
    }));
  };
  const native: Handler = async exchange => {
    const body = bodyOf(exchange);
    const input = inputOf(body);
    await serveOnce(core, await modelOf(exchange), exchange, promptsIn(input), refusals, () =>
      vectorsOf({ input }).map((embedding, index) => ({ index, embedding: [embedding] })),
    );
  };
  return {
    'POST /v1/embeddings': openai,
    'POST /embedding': native,
    'POST /embeddings': native,
    ...withoutText('the current context does not logits computation. skipping'),
  };
}

/** Of a server that was started with `--reranking`. */
export function rerankRoutes(core: EngineCore, modelOf: ModelOf): Routes {
  const rerank: Handler = async exchange => {
    const body = bodyOf(exchange);
    const { query } = body;
    if (typeof query !== 'string') throw wireErrors.invalid('"query" must be provided');
    const documents = documentsIn(body);
    if (documents.length === 0) throw wireErrors.invalid('"documents" must be a non-empty string array');
    const instance = await modelOf(exchange);
    const tokens = tokensOf([...documents, ...documents.map(() => query)]);
    await serveOnce(core, instance, exchange, [query, ...documents], refusals, () => {
      const order = ranked(query, documents, topOf(body));
      // As the server of another maker has it.
      if (body.texts !== undefined) return order.map(({ index, score }) => ({ index, score }));
      return {
        model: typeof body.model === 'string' ? body.model : instance.model,
        object: 'list',
        usage: { prompt_tokens: tokens, total_tokens: tokens },
        results: order.map(({ index, score }) => ({ index, relevance_score: score })),
      };
    });
  };
  return {
    ...Object.fromEntries(
      ['/v1/rerank', '/rerank', '/reranking', '/v1/reranking'].map(path => [`POST ${path}`, rerank] as const),
    ),
    ...withoutText('the current context does not logits computation. skipping'),
  };
}

/** A server for another kind of work has the routes that generate, and fails in them. */
function withoutText(message: string): Routes {
  const fails: Handler = () => {
    throw wireErrors.internal(message);
  };
  const paths = ['/completion', '/completions', '/v1/completions', '/v1/chat/completions', '/chat/completions'];
  return Object.fromEntries(paths.map(path => [`POST ${path}`, fails] as const));
}
