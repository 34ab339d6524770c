/**
 * What llama.cpp's server sends for a streamed completion, one HTTP chunk a token, made once: frames cost the engine nothing
 * while it is measured against. The text of token 12 is `#12 `, so that a reader can check that it got each one once.
 */
export const HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nAccess-Control-Allow-Origin: \r\nContent-Type: text/event-stream\r\n' +
    'Transfer-Encoding: chunked\r\nKeep-Alive: timeout=60, max=1000000\r\n\r\n',
);

const tokens: Buffer[] = [];
const whole = new Map<number, Buffer>();

export function tokenChunk(index: number): Buffer {
  return (tokens[index] ??= chunk(tokenFrame(index)));
}

export function tokenFrame(index: number): string {
  return (
    `data: {"index":0,"content":"#${index} ","tokens":[${84_837 + index}],"stop":false,"id_slot":-1,` +
    `"tokens_predicted":${index + 1},"tokens_evaluated":75}\n\n`
  );
}

/** The last frame and the end of the response. */
export function endChunks(count: number): Buffer {
  return Buffer.concat([chunk(endFrame(count)), Buffer.from('0\r\n\r\n')]);
}

export function endFrame(count: number): string {
  return (
    `data: {"index":0,"content":"","tokens":[],"id_slot":0,"stop":true,"model":"sim.gguf","tokens_predicted":${count},` +
    `"tokens_evaluated":75,"truncated":false,"stop_type":"limit","stopping_word":"","tokens_cached":${75 + count},` +
    `"timings":{"cache_n":0,"prompt_n":75,"prompt_ms":12.5,"prompt_per_token_ms":0.17,"prompt_per_second":6000.0,` +
    `"predicted_n":${count},"predicted_ms":${count}.0,"predicted_per_token_ms":1.0,"predicted_per_second":1000.0}}\n\n`
  );
}

/** Head, every token and the end at once. */
export function wholeResponse(count: number): Buffer {
  let response = whole.get(count);
  if (!response) {
    response = Buffer.concat([
      HEAD,
      ...Array.from({ length: count }, (_, index) => tokenChunk(index)),
      endChunks(count),
    ]);
    whole.set(count, response);
  }
  return response;
}

function chunk(text: string): Buffer {
  return Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`);
}
