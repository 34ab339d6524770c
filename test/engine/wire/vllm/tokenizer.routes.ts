import { chatPrompt } from '../../chat-prompt';
import type { EngineCore } from '../../engine-core';
import type { Routes } from '../../routes/routes';
import { detokenize, tokenize, tokenPieces } from '../../vocabulary';
import { bodyOf, servedModel } from './bodies';

/** They stand outside `/v1`, so no key guards them. */
export function tokenizerRoutes({ settings }: EngineCore): Routes {
  return {
    'POST /tokenize': exchange => {
      const body = bodyOf(exchange);
      servedModel(body, settings);
      const { prompt, messages, return_token_strs: strings } = body;
      const text = Array.isArray(messages) ? chatPrompt(messages) : typeof prompt === 'string' ? prompt : '';
      const tokens = tokenize(text);
      exchange.sendJson(200, {
        count: tokens.length,
        max_model_len: settings.ctxTokens,
        tokens,
        token_strs: strings === true ? tokenPieces(text) : null,
      });
    },
    'POST /detokenize': exchange => {
      const body = bodyOf(exchange);
      servedModel(body, settings);
      exchange.sendJson(200, { prompt: Array.isArray(body.tokens) ? detokenize(body.tokens) : '' });
    },
  };
}
