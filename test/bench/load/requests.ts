/** Where requests go, and what they look like there. */
export interface Target {
  readonly name: string;
  /**
   * `service` and `service-chat`: POST /v2/tasks with a prompt or with messages, then GET its events. `engine`: POST /completion, whose answer is
   * the stream. `chat` and `whole-chat`: POST /v1/chat/completions, streamed or not. `responses` and `messages`: the APIs of those names, streamed.
   * `embeddings` and `embeddings-base64`: POST /v1/embeddings, with as many inputs as there are to be tokens.
   */
  readonly kind:
    | 'service'
    | 'service-chat'
    | 'engine'
    | 'chat'
    | 'whole-chat'
    | 'responses'
    | 'messages'
    | 'embeddings'
    | 'embeddings-base64';
  readonly port: number;
  /** What only the last frame of a whole stream holds. */
  readonly endMark: string;
  /** Before the number in the text of each token, and nowhere else; see {@link TokenCheck}. */
  readonly tokenMark?: string;
}

const PROMPT = 'Tell me in a few sentences what a queue is for, and when one does more harm than good. '.repeat(3);
/** For tasks that run: long enough for whatever waits, and the time budget of a session has room for many. */
export const DEADLINE_MS = 600_000;
/**
 * For tasks that only wait: a day, for with no engine bound each place in the queue is predicted to cost 100 ms, and nothing is
 * to be refused for that. It is all of a session's time budget, so each such task needs a session of its own.
 */
export const WAITING_DEADLINE_MS = 86_400_000;

/** What the engine calls its model on OpenAI's API. */
const CHAT_MODEL = 'sim';

const headers = (apiKey: string): string => `Host: 127.0.0.1\r\nX-API-Key: ${apiKey}\r\n`;

const MESSAGES = [{ role: 'user', content: PROMPT }];
const completion = { workload: 'completion', prompt: PROMPT };
const chat = { messages: MESSAGES };

/** POST /v2/tasks. */
export function admissionRequest(
  apiKey: string,
  taskId: string,
  sessionId: string,
  tokens: number,
  deadlineMs: number,
  isChat = false,
): string {
  const task = {
    task_id: taskId,
    session_id: sessionId,
    priority: 'interactive',
    ...(isChat ? chat : completion),
    max_tokens: tokens,
    deadline_ms: deadlineMs,
  };
  return post('/v2/tasks', headers(apiKey), JSON.stringify(task));
}

/** GET /v2/tasks/:id/events. */
export function eventsRequest(apiKey: string, taskId: string): string {
  return `GET /v2/tasks/${taskId}/events HTTP/1.1\r\n${headers(apiKey)}Accept: text/event-stream\r\n\r\n`;
}

/** POST /completion, as an engine takes it. */
export function completionRequest(tokens: number): string {
  return post(
    '/completion',
    'Host: 127.0.0.1\r\n',
    JSON.stringify({ prompt: PROMPT, n_predict: tokens, stream: true }),
  );
}

/** POST /v1/chat/completions. */
export function chatRequest(apiKey: string, tokens: number, stream: boolean): string {
  return post(
    '/v1/chat/completions',
    headers(apiKey),
    JSON.stringify({ model: CHAT_MODEL, messages: MESSAGES, max_tokens: tokens, stream }),
  );
}

/** POST /v1/responses; kept afterwards, as it is where nothing else is asked for. */
export function responsesRequest(apiKey: string, tokens: number): string {
  return post(
    '/v1/responses',
    headers(apiKey),
    JSON.stringify({ model: CHAT_MODEL, input: PROMPT, max_output_tokens: tokens, stream: true }),
  );
}

/** POST /v1/messages. */
export function messagesRequest(apiKey: string, tokens: number): string {
  return post(
    '/v1/messages',
    `${headers(apiKey)}anthropic-version: 2023-06-01\r\n`,
    JSON.stringify({ model: CHAT_MODEL, messages: MESSAGES, max_tokens: tokens, stream: true }),
  );
}

/** POST /v1/embeddings. */
export function embeddingsRequest(apiKey: string, inputs: number, format: 'float' | 'base64'): string {
  const input = Array.from({ length: inputs }, (_, n) => `${n} ${PROMPT}`);
  return post('/v1/embeddings', headers(apiKey), JSON.stringify({ model: CHAT_MODEL, input, encoding_format: format }));
}

/** GET of anything that needs no key. */
export function getRequest(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
}

function post(path: string, head: string, body: string): string {
  return (
    `POST ${path} HTTP/1.1\r\n${head}Content-Type: application/json\r\n` +
    `Content-Length: ${body.length}\r\n\r\n${body}`
  );
}
