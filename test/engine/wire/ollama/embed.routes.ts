import { embedding } from '../../embedding';
import type { EngineCore } from '../../engine-core';
import type { Exchange } from '../../exchange';
import { serveOnce, tokensOf } from '../../one-shot';
import type { Refusals } from '../../refusals';
import type { Routes } from '../../routes/routes';
import { vectorsOf } from '../openai/embeddings';
import { promptsIn, type Body } from '../openai/request';
import { chatRefusals, nativeErrors, openaiErrors, openaiRefusals, type OllamaErrors } from './errors';
import { bodyOf } from './http';
import type { OllamaModels } from './models';
import { keepAliveIn } from './requests';

const NO_EMBEDDINGS = 'This server does not support embeddings. Start it with `--embeddings`';

/** `/api/embed`, the older `/api/embeddings`, and OpenAI's route. What is too long is cut, unless that is forbidden. */
export function embedRoutes(core: EngineCore, models: OllamaModels): Routes {
  const { ctxTokens, serves } = core.settings;
  const serve = (
    exchange: Exchange,
    body: Body,
    input: unknown,
    errors: OllamaErrors,
    refusals: Refusals,
    answer: (tokens: number, model: string) => object,
  ) => {
    const model = typeof body.model === 'string' ? body.model : '';
    if (!models.has(model)) throw errors.notFound(`model "${model}" not found, try pulling it first`);
    if (serves !== 'embeddings') throw errors.unsupported(NO_EMBEDDINGS);
    const texts = promptsIn(input ?? []);
    const whole = texts.every(text => tokensOf([text]) < ctxTokens);
    if (!whole && body.truncate === false) throw errors.bad('the input length exceeds the context length');
    const wanted = { keepAliveMs: keepAliveIn(body), ctx: undefined };
    return models.during(exchange, model, wanted, errors, instance =>
      serveOnce(core, instance, exchange, whole ? texts : [], refusals, () => answer(tokensOf(texts), model)),
    );
  };
  return {
    'POST /api/embed': exchange => {
      const body = bodyOf(exchange, nativeErrors);
      return serve(exchange, body, body.input, nativeErrors, chatRefusals, (tokens, model) => ({
        model,
        embeddings: vectorsOf({ input: body.input ?? [], dimensions: body.dimensions }),
        ...{ total_duration: 23_296_018, load_duration: 2_032_753, prompt_eval_count: tokens },
      }));
    },
    'POST /api/embeddings': exchange => {
      const body = bodyOf(exchange, nativeErrors);
      const prompt = typeof body.prompt === 'string' ? body.prompt : '';
      return serve(exchange, body, prompt, nativeErrors, chatRefusals, () => ({ embedding: embedding(prompt) }));
    },
    'POST /v1/embeddings': exchange => {
      exchange.types.json = 'application/json';
      const body = bodyOf(exchange, openaiErrors);
      const refusals = openaiRefusals(() => ({}));
      return serve(exchange, body, body.input, openaiErrors, refusals, (tokens, model) => ({
        object: 'list',
        data: vectorsOf(body).map((vector, index) => ({ object: 'embedding', embedding: vector, index })),
        model,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      }));
    },
  };
}
