import { isText, type Operation } from '../../engines/engine-adapter.port';
import { invalid, isNothing } from '../../json/members';
import { assertBody, choicesOf, integer, type Body } from '../../tasks/task/work-body';

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
  assertBody[operation](body);
  const isStream = flag('stream', stream);
  if (isStream && !isText(operation)) throw invalid('stream', 'be false: this answer comes at once');
  return {
    operation,
    model,
    body,
    stream: isStream,
    includeUsage: wantsUsage(options) && isStream,
    choices: isText(operation) ? choicesOf(body) : 1,
    maxTokens: isText(operation) ? maxTokensOf(body) : undefined,
  };
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
