import type { Operation } from '../../engines/engine-adapter.port';
import { ServiceError } from '../../errors/service-error';

type Body = Readonly<Record<string, unknown>>;

/** One request of OpenAI's API, as far as the service looks into it. All else is for the engine to take or refuse. */
export interface OpenaiRequest {
  readonly operation: Operation;
  readonly model: string;
  /** The client's, less what is for the service: model, stream, stream_options. */
  readonly body: Body;
  readonly stream: boolean;
  /** The client wants usage at the end of a stream. */
  readonly includeUsage: boolean;
  /** Choices that the answer is to have: `n` for each prompt. */
  readonly choices: number;
  /** Of one choice; undefined where the client leaves it open. */
  readonly maxTokens: number | undefined;
}

const MODEL_MAX_CHARS = 256;
const MAX_TOKENS = 16_777_216;
const MAX_CHOICES = 128;

/** @throws ServiceError INVALID_PARAMS for a member that the service needs and cannot use */
export function toOpenaiRequest(operation: Operation, sent: unknown): OpenaiRequest {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) throw invalid('body', 'be a JSON object');
  const { model, stream, stream_options: options, ...body } = sent as Body;
  if (
    typeof model !== 'string' ||
    model === '' ||
    [...model.slice(0, 2 * MODEL_MAX_CHARS + 1)].length > MODEL_MAX_CHARS
  )
    throw invalid('model', `be the name of a model, of 1 to ${MODEL_MAX_CHARS} characters`);
  needed[operation](body);
  const isText = operation === 'chat' || operation === 'completion';
  const isStream = flag('stream', stream);
  if (isStream && !isText) throw invalid('stream', 'be false: this answer comes at once');
  return {
    operation,
    model,
    body,
    stream: isStream,
    includeUsage: wantsUsage(options) && isStream,
    choices: isText ? integer('n', body['n'], 1, MAX_CHOICES, 1) * promptsIn(body['prompt']) : 1,
    maxTokens: isText ? maxTokensOf(body) : undefined,
  };
}

/** What each operation cannot do without. */
const needed: Readonly<Record<Operation, (body: Body) => void>> = {
  chat: ({ messages }) => {
    if (!Array.isArray(messages) || messages.length === 0)
      throw invalid('messages', 'be a list of at least one message');
    for (const [at, message] of (messages as readonly unknown[]).entries()) {
      const { role, content } = (message ?? {}) as { readonly role?: unknown; readonly content?: unknown };
      if (typeof role !== 'string') throw invalid(`messages.${at}.role`, 'be the role of a message, a text');
      const isContent =
        isNothing(content) || typeof content === 'string' || (Array.isArray(content) && content.length > 0);
      if (!isContent) throw invalid(`messages.${at}.content`, 'be a text, or a list of parts');
    }
  },
  completion: ({ prompt }) => {
    if (typeof prompt !== 'string' && (!Array.isArray(prompt) || prompt.length === 0))
      throw invalid('prompt', 'be a text, or a list of texts or tokens');
  },
  embedding: ({ input, encoding_format: format }) => {
    if ((typeof input !== 'string' || input === '') && (!Array.isArray(input) || input.length === 0))
      throw invalid('input', 'be a text, or a list of texts or tokens, and not empty');
    if (!isNothing(format) && format !== 'float' && format !== 'base64')
      throw invalid('encoding_format', 'be float or base64');
  },
  rerank: ({ query, documents }) => {
    if (typeof query !== 'string') throw invalid('query', 'be a text');
    if (!Array.isArray(documents) || documents.length === 0)
      throw invalid('documents', 'be a list of at least one document');
  },
};

/** A list of texts or of lists of tokens is many prompts; a list of tokens is one. */
function promptsIn(prompt: unknown): number {
  if (!Array.isArray(prompt) || typeof prompt[0] === 'number') return 1;
  if (prompt.length > MAX_CHOICES) throw invalid('prompt', `be at most ${MAX_CHOICES} prompts`);
  return prompt.length;
}

/** The newer name counts where both are given. */
function maxTokensOf(body: Body): number | undefined {
  const [older, newer] = ['max_tokens', 'max_completion_tokens'].map(name =>
    isNothing(body[name]) ? undefined : integer(name, body[name], 1, MAX_TOKENS, 1),
  );
  return newer ?? older;
}

function wantsUsage(options: unknown): boolean {
  if (isNothing(options)) return false;
  if (typeof options !== 'object' || Array.isArray(options)) throw invalid('stream_options', 'be an object');
  return flag('stream_options.include_usage', (options as Body)['include_usage']);
}

function flag(field: string, value: unknown): boolean {
  if (isNothing(value)) return false;
  if (typeof value !== 'boolean') throw invalid(field, 'be true or false');
  return value;
}

function integer(field: string, value: unknown, min: number, max: number, otherwise: number): number {
  if (isNothing(value)) return otherwise;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw invalid(field, `be an integer from ${min} to ${max}`);
  return value;
}

/** Null stands for nothing in that API. */
function isNothing(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function invalid(field: string, must: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field, message: `${field} must ${must}` });
}
