import { ServiceError } from '../../errors/service-error';

type Body = Readonly<Record<string, unknown>>;

const MODEL_MAX_CHARS = 256;
const TOKENS_MAX = 1_000_000;
const TOKEN_MAX = 0xffff_ffff;

/** @throws ServiceError INVALID_PARAMS naming the member that is missing or wrong */
export function toTokenizerRequest(
  verb: 'tokenize' | 'detokenize',
  sent: unknown,
): { readonly model: string; readonly body: Body } {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) throw invalid('body', 'be a JSON object');
  const { model, ...body } = sent as Body;
  if (
    typeof model !== 'string' ||
    model === '' ||
    model.length > 2 * MODEL_MAX_CHARS ||
    [...model].length > MODEL_MAX_CHARS
  )
    throw invalid('model', `be the name of a model, of 1 to ${MODEL_MAX_CHARS} characters`);
  for (const name of ['add_special_tokens', 'return_token_strs'])
    if (verb === 'tokenize' && body[name] !== undefined && typeof body[name] !== 'boolean')
      throw invalid(name, 'be true or false');
  if (verb === 'detokenize') assertTokens(body['tokens']);
  else assertText(body);
  return { model, body };
}

function assertText({ prompt, messages }: Body): void {
  if (prompt !== undefined && messages !== undefined) throw invalid('messages', 'not be given beside prompt');
  if (messages === undefined && typeof prompt !== 'string') throw invalid('prompt', 'be a text, or messages a chat');
  const isChat = Array.isArray(messages) && messages.length > 0 && messages.every(isMessage);
  if (messages !== undefined && !isChat) throw invalid('messages', 'be a list of at least one message with a role');
}

function isMessage(message: unknown): boolean {
  return typeof (message as { readonly role?: unknown } | null)?.role === 'string';
}

function assertTokens(tokens: unknown): void {
  const isToken = (id: unknown): boolean => Number.isInteger(id) && Number(id) >= 0 && Number(id) <= TOKEN_MAX;
  if (!Array.isArray(tokens) || tokens.length > TOKENS_MAX || !tokens.every(isToken))
    throw invalid('tokens', `be a list of at most ${TOKENS_MAX} whole numbers from 0 to ${TOKEN_MAX}`);
}

function invalid(field: string, must: string): ServiceError {
  return new ServiceError('INVALID_PARAMS', { field, message: `${field} must ${must}` });
}
