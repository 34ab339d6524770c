import { chatPrompt } from '../../chat-prompt';
import type { Handler, Routes } from '../../routes/routes';
import { detokenize, tokenId, tokenize, tokenPieces } from '../../vocabulary';
import { wireErrors } from './errors';
import { bodyOf } from './http';
import type { ModelOf } from './model-of';

/** What needs the model's words but no slot. */
export function tokenizerRoutes(modelOf: ModelOf): Routes {
  const countOf: Handler = async exchange => {
    await modelOf(exchange);
    const { messages } = bodyOf(exchange);
    if (!Array.isArray(messages)) throw wireErrors.invalid("'messages' is required");
    exchange.sendJson(200, { input_tokens: tokenize(chatPrompt(messages)).length, object: 'response.input_tokens' });
  };
  return {
    'POST /tokenize': async exchange => {
      await modelOf(exchange);
      const { content, with_pieces: withPieces } = bodyOf(exchange);
      const text = typeof content === 'string' ? content : '';
      if (withPieces !== true) return exchange.sendJson(200, { tokens: tokenize(text) });
      exchange.sendJson(200, { tokens: tokenPieces(text).map(piece => ({ id: tokenId(piece), piece })) });
    },
    'POST /detokenize': async exchange => {
      await modelOf(exchange);
      const { tokens } = bodyOf(exchange);
      exchange.sendJson(200, { content: Array.isArray(tokens) ? detokenize(tokens) : '' });
    },
    'POST /apply-template': async exchange => {
      await modelOf(exchange);
      const { messages } = bodyOf(exchange);
      if (!Array.isArray(messages)) throw wireErrors.invalid("'messages' is required");
      exchange.sendJson(200, { prompt: chatPrompt(messages) });
    },
    'POST /v1/chat/completions/input_tokens': countOf,
  };
}
