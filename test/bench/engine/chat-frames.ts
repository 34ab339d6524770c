import { base64Of } from '../../../src/engines/wire/openai/vectors';
import { HEAD } from './frames';

/** What a server of OpenAI's API sends for a chat, streamed or whole, and for embeddings; made once, as the frames of completions are. */

/** Numbers of one embedding. */
const DIMENSIONS = 1024;

const made = new Map<string, Buffer>();

function once(key: string, make: () => Buffer): Buffer {
  let response = made.get(key);
  if (!response) made.set(key, (response = make()));
  return response;
}

/** Head, role, every token and the end at once. */
export function chatResponse(count: number): Buffer {
  return once(`chat ${count}`, () =>
    Buffer.concat([
      HEAD,
      frame([choice({ role: 'assistant', content: '' })], null),
      ...Array.from({ length: count }, (_, index) => frame([choice({ content: `#${index} ` })], null)),
      frame([choice({}, 'length')], null),
      frame([], { prompt_tokens: 75, completion_tokens: count, total_tokens: 75 + count }),
      chunk('data: [DONE]\n\n'),
      Buffer.from('0\r\n\r\n'),
    ]),
  );
}

export function wholeChatResponse(count: number): Buffer {
  return once(`whole ${count}`, () => {
    const content = Array.from({ length: count }, (_, index) => `#${index} `).join('');
    const choices = [{ index: 0, message: { role: 'assistant', content }, logprobs: null, finish_reason: 'length' }];
    const usage = { prompt_tokens: 75, completion_tokens: count, total_tokens: 75 + count };
    return json({ id: 'chatcmpl-1', object: 'chat.completion', created: 1_700_000_000, model: 'sim', choices, usage });
  });
}

export function embeddingsResponse(inputs: number, inBase64: boolean): Buffer {
  return once(`embeddings ${inputs} ${inBase64}`, () => {
    const numbers = Array.from({ length: DIMENSIONS }, (_, at) => Math.fround(Math.sin(at + 1)));
    const embedding = inBase64 ? base64Of(numbers) : numbers;
    const data = Array.from({ length: inputs }, (_, index) => ({ object: 'embedding', index, embedding }));
    const usage = { prompt_tokens: 75 * inputs, total_tokens: 75 * inputs };
    return json({ object: 'list', data, model: 'sim', usage });
  });
}

function choice(delta: object, finish: string | null = null): object {
  return { index: 0, delta, logprobs: null, finish_reason: finish };
}

function frame(choices: readonly object[], usage: object | null): Buffer {
  const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'sim' };
  return chunk(`data: ${JSON.stringify({ ...head, choices, usage })}\n\n`);
}

function chunk(text: string): Buffer {
  return Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`);
}

function json(body: object): Buffer {
  const text = JSON.stringify(body);
  return Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\nKeep-Alive: timeout=60, max=1000000\r\n\r\n${text}`,
  );
}
