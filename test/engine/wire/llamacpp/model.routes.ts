import type { EngineCore } from '../../engine-core';
import type { GenerationRequest } from '../../generation-request';
import { serveGeneration } from '../../generation';
import { embeddingRoutes, rerankRoutes } from './pooling.routes';
import { tokenizerRoutes } from './tokenizer.routes';
import { wireErrors } from './errors';
import { metricsText } from './metrics-text';
import { nativeFormatOf } from './native-format';
import { chatFormat, textFormat } from './openai-format';
import type { OutputFormat } from '../../output-format';
import { slotsView } from './slots-view';
import type { Handler, Routes } from '../../routes/routes';
import { fromChat, fromNative, fromTextCompletion } from './requests';
import { bodyOf } from './http';
import type { ModelOf } from './model-of';

/** The routes that concern a loaded model, the same with one model and behind a router. */
export function modelRoutes(core: EngineCore, modelOf: ModelOf): Routes {
  const { ctxTokens, slots } = core.settings;

  const generate =
    (
      read: (core: EngineCore, body: Readonly<Record<string, unknown>>) => readonly GenerationRequest[],
      format: (sequences: number) => OutputFormat,
    ): Handler =>
    async exchange => {
      const requests = read(core, bodyOf(exchange));
      await serveGeneration(core, await modelOf(exchange), exchange, requests, format(requests.length));
    };
  const native = generate(fromNative, nativeFormatOf);
  const text = generate(fromTextCompletion, textFormat);
  const chat = generate(fromChat, chatFormat);
  const unsupported =
    (message: string): Handler =>
    () => {
      throw wireErrors.unsupported(message);
    };
  const embeddings = unsupported('This server does not support embeddings. Start it with `--embeddings`');
  const rerank = unsupported('This server does not support reranking. Start it with `--reranking`');

  return {
    'POST /completion': native,
    'POST /completions': native,
    'POST /v1/completions': text,
    'POST /v1/chat/completions': chat,
    'POST /chat/completions': chat,
    'POST /v1/embeddings': embeddings,
    'POST /embeddings': embeddings,
    'POST /v1/rerank': rerank,
    'POST /rerank': rerank,
    ...tokenizerRoutes(modelOf),
    'GET /slots': async exchange => {
      const { pool } = await modelOf(exchange);
      core.ledger.count('slotLooks');
      core.sendings.sent();
      exchange.sendJson(200, slotsView(pool.slots, ctxTokens));
    },
    'GET /metrics': async exchange => {
      const body = metricsText(await modelOf(exchange));
      exchange.send(200, 'text/plain; version=0.0.4', body, [['Process-Start-Time-Unix', processStart()]]);
    },
    ...slotActionRoutes(core, modelOf, slots),
    ...(core.settings.serves === 'embeddings' && embeddingRoutes(core, modelOf)),
    ...(core.settings.serves === 'rerank' && rerankRoutes(core, modelOf)),
  };
}

/** `POST /slots/N?action=erase`; saving and restoring are not offered. */
function slotActionRoutes(core: EngineCore, modelOf: ModelOf, slots: number): Routes {
  const action = (id: number): Handler => {
    return async exchange => {
      const { pool } = await modelOf(exchange);
      if (!core.settings.slotActions) {
        throw wireErrors.unsupported('This server does not support slots action. Start it with `--slot-save-path`');
      }
      const slot = pool.slots[id];
      if (exchange.url.searchParams.get('action') !== 'erase' || !slot) throw wireErrors.invalid('Invalid action');
      // A busy slot is erased after its run, as llama.cpp defers it.
      await pool.idle(slot);
      const erased = slot.erase();
      core.ledger.erased(id);
      exchange.sendJson(200, { id_slot: id, n_erased: erased });
    };
  };
  return Object.fromEntries(Array.from({ length: slots }, (_, id) => [`POST /slots/${id}`, action(id)]));
}

function processStart(): string {
  return String(Math.floor((Date.now() - process.uptime() * 1000) / 1000));
}
