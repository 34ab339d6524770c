import { createServer, type Socket } from 'node:net';
import { announce } from '../floors/announce';
import { chatResponse, embeddingsResponse, wholeChatResponse } from './chat-frames';
import { wholeResponse } from './frames';
import { PaceWheel } from './pace-wheel';

/**
 * As much of a llama.cpp server as a relay needs, and cheap: what is measured is the relay.
 *
 * Usage: main.ts SLOTS TOKEN_MS [1]   (0 milliseconds: as fast as the socket takes them; 1: a server of OpenAI's API, with its list of models)
 */
const [slots = 1, tokenMs = 0, isOpenai = 0] = process.argv.slice(2).map(Number);
const MAX_REQUEST_BYTES = 1024 * 1024;

const wheel = tokenMs > 0 ? new PaceWheel(tokenMs) : undefined;

const server = createServer(socket => {
  let received = '';
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    received += text;
    if (received.length > MAX_REQUEST_BYTES) socket.destroy();
    for (let length = requestLength(received); length > 0; length = requestLength(received)) {
      answer(socket, received.slice(0, length));
      received = received.slice(length);
    }
  });
});
announce(server);

/** 0 while the request is not whole. */
function requestLength(text: string): number {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return 0;
  const bodyLength = Number(/^content-length: *(\d+)/im.exec(text.slice(0, headEnd))?.[1] ?? 0);
  const length = headEnd + 4 + bodyLength;
  return text.length < length ? 0 : length;
}

function answer(socket: Socket, request: string): void {
  if (request.startsWith('POST /completion ')) {
    const count = Number(/"n_predict":(\d+)/.exec(request)?.[1] ?? 1);
    if (wheel) wheel.begin(socket, count);
    else socket.write(wholeResponse(count));
    return;
  }
  if (isOpenai === 1 && request.startsWith('POST /v1/chat/completions ')) {
    const count = Number(/"max_tokens":(\d+)/.exec(request)?.[1] ?? 1);
    socket.write(request.includes('"stream":true') ? chatResponse(count) : wholeChatResponse(count));
    return;
  }
  if (isOpenai === 1 && request.startsWith('POST /v1/embeddings ')) {
    const { input } = JSON.parse(request.slice(request.indexOf('\r\n\r\n') + 4)) as { input: unknown[] };
    socket.write(embeddingsResponse(input.length, request.includes('"encoding_format":"base64"')));
    return;
  }
  const path = /^GET ([^ ?]+)/.exec(request)?.[1] ?? '';
  const view = views[path];
  const body = JSON.stringify(view?.() ?? { error: { code: 404, message: 'File Not Found', type: 'not_found_error' } });
  socket.write(
    `HTTP/1.1 ${view ? '200 OK' : '404 Not Found'}\r\nServer: llama.cpp\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${body.length}\r\nKeep-Alive: timeout=60, max=1000000\r\n\r\n${body}`,
  );
}

const views: Readonly<Record<string, () => object>> = {
  ...(isOpenai === 1 && {
    '/v1/models': () => ({ object: 'list', data: [{ id: 'sim', object: 'model', created: 1, owned_by: 'sim' }] }),
  }),
  '/health': () => ({ status: 'ok' }),
  '/props': () => ({
    default_generation_settings: { n_ctx: 8192 },
    total_slots: slots,
    model_alias: 'sim.gguf',
    model_path: '/models/sim.gguf',
    build_info: 'b1-sim',
  }),
  '/slots': () => {
    const active = wheel?.active ?? 0;
    return Array.from({ length: slots }, (_, id) => ({ id, n_ctx: 8192, is_processing: id < active }));
  },
};
