import { anyJson } from '../../http/documents/schemas';
import { CheckedField } from '../../http/fields/fields';
import { MAX_PARTS } from '../task/work-body';

/** Members of lists; what they hold is bounded with the body. */
const MAX_MESSAGES = 4096;
const MAX_INPUTS = 2048;
const MAX_TOKENS = 65_536;
const MAX_DOCUMENTS = 4096;

type Schema = Readonly<Record<string, unknown>>;

interface WorkMember {
  readonly description: string;
  readonly schema: Schema;
  readonly accepts: (value: unknown) => boolean;
  readonly must: string;
}

const parts = { type: 'array', minItems: 1, maxItems: MAX_PARTS, items: anyJson } as const;
const message = {
  type: 'object',
  required: ['role'],
  properties: { role: { type: 'string' }, content: { oneOf: [{ type: 'string', nullable: true }, parts] } },
  additionalProperties: true,
} as const;
const token = { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1 } as const;
const tokens = { type: 'array', minItems: 1, maxItems: MAX_TOKENS, items: token } as const;
const text = { type: 'string', minLength: 1 } as const;

/** What a task works on that is no prompt, in the forms of OpenAI's API, and of Jina's for ranks. */
export const workMembers = {
  messages: {
    description: 'A chat, as OpenAI’s API has it: with images, tool calls and whatever the engine knows besides.',
    schema: { type: 'array', minItems: 1, maxItems: MAX_MESSAGES, items: message },
    accepts: value => isList(value, MAX_MESSAGES),
    must: `be a list of 1 to ${MAX_MESSAGES} messages`,
  },
  input: {
    description: 'What is to be embedded: a text, texts, or the same as tokens.',
    schema: {
      oneOf: [
        text,
        { type: 'array', minItems: 1, maxItems: MAX_INPUTS, items: text },
        tokens,
        { type: 'array', minItems: 1, maxItems: MAX_INPUTS, items: tokens },
      ],
    },
    accepts: isInput,
    must: `be a text, or a list of up to ${MAX_INPUTS} texts or lists of tokens, or of up to ${MAX_TOKENS} tokens; none of them empty`,
  },
  query: {
    description: 'What documents are ranked by.',
    schema: { type: 'string' },
    accepts: value => typeof value === 'string',
    must: 'be a text',
  },
  documents: {
    description: 'What is to be ranked: texts, or objects where the engine takes them.',
    schema: {
      type: 'array',
      minItems: 1,
      maxItems: MAX_DOCUMENTS,
      items: { oneOf: [{ type: 'string' }, { type: 'object', additionalProperties: true }] },
    },
    accepts: value => isList(value, MAX_DOCUMENTS) && value.every(each => typeof each === 'string' || isObject(each)),
    must: `be a list of 1 to ${MAX_DOCUMENTS} texts or objects`,
  },
} satisfies Readonly<Record<string, WorkMember>>;

export function WorkField(name: keyof typeof workMembers): PropertyDecorator {
  const { description, schema, accepts, must } = workMembers[name] as WorkMember;
  return CheckedField({ description, optional: true }, schema, accepts, `${name} must ${must}`);
}

function isInput(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  if (!Array.isArray(value) || value.length === 0) return false;
  if (typeof value[0] === 'number') return isTokens(value);
  if (value.length > MAX_INPUTS) return false;
  return typeof value[0] === 'string'
    ? value.every(each => typeof each === 'string' && each !== '')
    : value.every(isTokens);
}

function isTokens(value: unknown): boolean {
  return (
    isList(value, MAX_TOKENS) &&
    value.every(each => Number.isInteger(each) && (each as number) >= 0 && (each as number) <= token.maximum)
  );
}

function isList(value: unknown, maxItems: number): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0 && value.length <= maxItems;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
