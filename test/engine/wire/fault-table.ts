import type { EngineSettings } from '../engine-options';

/** A status, and what is in the body. */
export type Answer = readonly [status: number, body: RegExp];

/** How one route of one wire meets each fault. */
export interface FaultRow {
  readonly name: string;
  readonly options: Partial<EngineSettings>;
  readonly path: string;
  readonly body: object;
  /** What only a stream that is whole has; undefined: nothing but the end of the body tells. */
  readonly end: RegExp | undefined;
  readonly unavailable: Answer;
  readonly tooMany: Answer;
  /** Whether that says when to come again. Engines that never do have it from what stands before them. */
  readonly retryAfter: boolean;
  readonly bad: Answer;
  readonly tooLong: Answer;
  /** The engine fails in the middle: what the stream says last. */
  readonly failed: RegExp;
  /** The engine is dead. */
  readonly dead: Answer;
}

const chat = {
  model: 'm',
  messages: [{ role: 'user', content: 'one two three four five six seven eight nine ten' }],
  max_tokens: 8,
  stream: true,
};
const text = { model: 'm', prompt: 'one two three four five six seven eight nine ten', max_tokens: 8, stream: true };
const CHAT = '/v1/chat/completions';
const DONE = /data: \[DONE\]\n\n$/;
const llamacpp = {
  options: { model: 'm' },
  unavailable: [503, /"unavailable_error"/],
  tooMany: [429, /"rate_limit_error"/],
  retryAfter: true,
  bad: [400, /"invalid_request_error"/],
  tooLong: [400, /"exceed_context_size_error"/],
  failed: /^data: \{"error":\{"code":500.*\}\}\n\n$/,
  dead: [500, /"server_error"/],
} as const;
const openai = {
  options: { wire: 'openai', model: 'm' },
  end: DONE,
  unavailable: [503, /"server_error"/],
  tooMany: [429, /"rate_limit_exceeded"/],
  retryAfter: true,
  bad: [400, /"invalid_request_error"/],
  tooLong: [400, /"context_length_exceeded"/],
  failed: /^data: \{"error":\{"message".*\}\}\n\n$/,
  dead: [500, /"server_error"/],
} as const;
const vllm = {
  options: { wire: 'vllm', model: 'm' },
  end: DONE,
  unavailable: [503, /"Service Unavailable"/],
  tooMany: [429, /"Too Many Requests"/],
  retryAfter: true,
  bad: [400, /"BadRequestError"/],
  tooLong: [400, /"input_tokens"/],
  failed: /^data: \{"error": \{.*"code": 500\}\}\n\ndata: \[DONE\]\n\n$/,
  dead: [500, /"InternalServerError"/],
} as const;
const sglang = {
  options: { wire: 'sglang', model: 'm' },
  end: DONE,
  unavailable: [503, /queue is full/],
  tooMany: [429, /"429"/],
  retryAfter: true,
  bad: [400, /refused by a fault/],
  failed: /^data: \{"error": \{.*"code": 503\}\}\n\ndata: \[DONE\]\n\n$/,
  dead: [200, /"code": 503/],
} as const;
const ollamaNative = {
  options: { wire: 'ollama', model: 'm' },
  end: /"done":true.*\n$/,
  unavailable: [503, /server busy/],
  tooMany: [429, /server busy/],
  retryAfter: true,
  bad: [400, /^\{"error":"refused by a fault"\}$/],
  tooLong: [400, /exceed_context_size_error/],
  failed: /^\{"error":".*"\}\n$/,
  dead: [500, /unexpected EOF/],
} as const;
const ollamaOpenai = {
  ...ollamaNative,
  end: DONE,
  bad: [400, /"invalid_request_error"/],
  // What is too long is cut without a word.
  tooLong: [200, DONE],
  failed: /^data: \{.*"model":"".*\n\n$/,
  dead: [500, /"api_error"/],
} as const;
const tgi = {
  options: { wire: 'tgi', model: 'm' },
  unavailable: [503, /"healthcheck"/],
  retryAfter: false,
} as const;

export const faultRows: readonly FaultRow[] = [
  {
    name: 'llamacpp /completion',
    ...llamacpp,
    path: '/completion',
    body: { ...text, n_predict: 8 },
    end: /"stop":true/,
  },
  { name: 'llamacpp chat', ...llamacpp, path: CHAT, body: chat, end: DONE },
  { name: 'llamacpp completions', ...llamacpp, path: '/v1/completions', body: text, end: DONE },
  { name: 'openai chat', ...openai, path: CHAT, body: chat },
  { name: 'openai completions', ...openai, path: '/v1/completions', body: text },
  { name: 'vllm chat', ...vllm, path: CHAT, body: chat },
  { name: 'vllm completions', ...vllm, path: '/v1/completions', body: text },
  { name: 'sglang chat', ...sglang, path: CHAT, body: chat, tooLong: [400, /longer than the model/] },
  {
    name: 'sglang completions',
    ...sglang,
    path: '/v1/completions',
    body: text,
    tooLong: [400, /longer than the model/],
  },
  {
    name: 'sglang /generate',
    ...sglang,
    path: '/generate',
    body: {
      text: 'one two three four five six seven eight nine ten',
      sampling_params: { max_new_tokens: 8 },
      stream: true,
    },
    tooLong: [200, /"code":400/],
    failed: /^data: \{"error":\{.*"code":503.*\}\}\n\ndata: \[DONE\]\n\n$/,
    dead: [200, /"code":503/],
  },
  {
    name: 'ollama /api/chat',
    ...ollamaNative,
    path: '/api/chat',
    body: { ...chat, options: { num_predict: 8 }, truncate: false },
  },
  {
    name: 'ollama /api/generate',
    ...ollamaNative,
    path: '/api/generate',
    body: {
      model: 'm',
      prompt: 'one two three four five six seven eight nine ten',
      options: { num_predict: 8 },
      truncate: false,
    },
  },
  { name: 'ollama chat', ...ollamaOpenai, path: CHAT, body: chat },
  { name: 'ollama completions', ...ollamaOpenai, path: '/v1/completions', body: text },
  {
    name: 'tgi /generate_stream',
    ...tgi,
    path: '/generate_stream',
    body: { inputs: 'one two three four five six seven eight nine ten', parameters: { max_new_tokens: 8 } },
    end: /"generated_text":".*\n\n$/,
    tooMany: [200, /"overloaded"/],
    bad: [200, /"validation"/],
    tooLong: [200, /"validation"/],
    failed: /^data: \{"error":".*","error_type":"generation"\}\n\n$/,
    dead: [200, /"generation"/],
  },
  {
    name: 'tgi chat',
    ...tgi,
    path: CHAT,
    body: chat,
    end: DONE,
    tooMany: [200, /overloaded.*422/],
    bad: [200, /"http_status_code":422/],
    tooLong: [200, /"http_status_code":422/],
    failed: /^data: \{"error":\{.*422\}\}\n\ndata: \[DONE\]\n\n$/,
    dead: [200, /"http_status_code":422/],
  },
  {
    name: 'triton generate_stream',
    options: { wire: 'triton', model: 'm' },
    path: '/v2/models/m/generate_stream',
    body: { text_input: 'one two three four five six seven eight nine ten', max_tokens: 8 },
    end: undefined,
    unavailable: [503, /maximum queue size/],
    tooMany: [429, /Too many requests/],
    retryAfter: true,
    bad: [400, /^data: \{"error"/],
    tooLong: [400, /exceeds maximum input length/],
    failed: /^data: \{"error":".*"\}\n\n$/,
    dead: [400, /not healthy/],
  },
];
