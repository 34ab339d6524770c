import { nearness, ranked } from '../../embedding';
import type { EngineCore } from '../../engine-core';
import type { ModelInstance } from '../../model-instance';
import { serveOnce, tokensOf } from '../../one-shot';
import type { Handler, Routes } from '../../routes/routes';
import { nowSeconds } from '../openai/counts';
import { documentsIn, topOf, vectorsOf } from '../openai/embeddings';
import { promptsIn, type Body } from '../openai/request';
import { hexId } from '../random-id';
import { bodyOf, servedModel } from './bodies';
import { chatRefusals, vllmErrors } from './errors';

/** A server with `--runner pooling`: it embeds and ranks, or, with a cross encoder, ranks alone. It generates nothing. */
export function poolingRoutes(core: EngineCore, instance: ModelInstance): Routes {
  const { settings } = core;
  const usageOf = (tokens: number) => ({ prompt_tokens: tokens, total_tokens: tokens });
  const whole = (tokens: number) => ({
    ...usageOf(tokens),
    completion_tokens: 0,
    prompt_tokens_details: null,
    completion_tokens_details: null,
  });
  const serve = (exchange: Parameters<Handler>[0], texts: readonly string[], answer: () => object) =>
    serveOnce(core, instance, exchange, texts, chatRefusals, answer);

  const embeddings: Handler = exchange => {
    const body = bodyOf(exchange);
    const model = servedModel(body, settings);
    const texts = textsOf(body);
    const tokens = tokensOf(texts);
    return serve(exchange, texts, () => ({
      ...{ id: `embd-${hexId(16)}`, object: 'list', created: nowSeconds(), model },
      data: vectorsOf(body).map((embedding, index) => ({ index, object: 'embedding', embedding })),
      usage: whole(tokens),
    }));
  };
  const rerank: Handler = exchange => {
    const body = bodyOf(exchange);
    const model = servedModel(body, settings);
    const query = typeof body.query === 'string' ? body.query : '';
    const documents = documentsIn(body);
    if (documents.length === 0) throw vllmErrors.bad('At least one text_pair element must be given');
    const tokens = tokensOf([...documents, ...documents.map(() => query)]);
    return serve(exchange, [query, ...documents], () => ({
      ...{ id: `score-${hexId(16)}`, model, usage: usageOf(tokens) },
      results: ranked(query, documents, topOf(body)).map(({ index, text, score }) => ({
        ...{ index, document: { text, multi_modal: null } },
        relevance_score: score,
      })),
    }));
  };
  const score: Handler = exchange => {
    const body = bodyOf(exchange);
    const model = servedModel(body, settings);
    const [ones, others] = [promptsIn(body.text_1), promptsIn(body.text_2)];
    const tokens = tokensOf([...ones, ...others]);
    return serve(exchange, [...ones, ...others], () => ({
      ...{ id: `score-${hexId(16)}`, object: 'list', created: nowSeconds(), model },
      data: others.map((other, index) => ({
        ...{ index, object: 'score' },
        score: nearness(ones[ones.length === 1 ? 0 : index] ?? '', other),
      })),
      usage: whole(tokens),
    }));
  };
  const all = (paths: readonly string[], handler: Handler) =>
    Object.fromEntries(paths.map(path => [`POST ${path}`, handler] as const));
  return {
    ...(settings.serves === 'embeddings' && { 'POST /v1/embeddings': embeddings }),
    ...all(['/rerank', '/v1/rerank', '/v2/rerank'], rerank),
    ...all(['/score', '/v1/score'], score),
  };
}

function textsOf(body: Body): readonly string[] {
  const { input } = body;
  if (input === undefined) {
    const size = Object.keys(body).length;
    throw vllmErrors.invalid(
      `{'type': 'missing', 'loc': 'body.input', 'msg': 'Field required', 'input': '<dict of ${size} items>'}`,
      'body.input',
    );
  }
  const texts = promptsIn(input);
  if (texts.length === 0) throw vllmErrors.bad('You must pass at least one prompt');
  if (texts.includes('')) throw vllmErrors.bad('The decoder prompt cannot be empty');
  return texts;
}
