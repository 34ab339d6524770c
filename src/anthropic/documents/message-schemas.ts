import { anyJson } from '../../http/documents/schemas';

/* As far as the service looks at bodies, or makes answers; Anthropic's documentation has all of it. */

const block = {
  type: 'object',
  required: ['type'] as string[],
  properties: {
    type: {
      type: 'string',
      enum: [
        ...['text', 'image', 'document', 'search_result', 'tool_use', 'tool_result'],
        ...['thinking', 'redacted_thinking'],
      ],
      description: 'What kind it is, and so what else it needs.',
    },
    text: { type: 'string' },
  },
  additionalProperties: true,
  example: { type: 'text', text: 'Say hello.' },
};
const textBlock = {
  ...block,
  required: ['type', 'text'] as string[],
  properties: { type: { type: 'string', enum: ['text'] }, text: { type: 'string' } },
};
const content = { oneOf: [{ type: 'string' }, { type: 'array', items: block }] };
const texts = {
  oneOf: [
    { type: 'string', nullable: true },
    { type: 'array', items: textBlock },
  ],
};
const list = { type: 'array', nullable: true, items: anyJson } as const;

export const messageBody = {
  type: 'object',
  required: ['model', 'max_tokens', 'messages'],
  properties: {
    model: { type: 'string', minLength: 1, maxLength: 256, description: 'A model, by any name that it goes by.' },
    max_tokens: { type: 'integer', minimum: 1, maximum: 16_777_216 },
    messages: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['role', 'content'],
        properties: { role: { type: 'string', enum: ['user', 'assistant', 'system'] }, content },
        additionalProperties: true,
      },
    },
    system: { ...texts, description: 'A text, or a list of blocks of text.' },
    stream: { type: 'boolean', nullable: true },
    stop_sequences: { ...list, description: 'Texts that end the answer.' },
    tools: { ...list, description: 'Tools that the client runs: each has a name and an `input_schema`.' },
  },
  additionalProperties: true,
  example: { model: 'qwen3-32b', max_tokens: 16, messages: [{ role: 'user', content: 'Say hello.' }] },
};

const { max_tokens: _, ...counted } = messageBody.properties;

export const countBody = {
  ...messageBody,
  required: ['model', 'messages'],
  properties: counted,
  example: { model: 'qwen3-32b', messages: [{ role: 'user', content: 'Say hello.' }] },
};

export const countView = {
  type: 'object',
  required: ['input_tokens'],
  properties: { input_tokens: { type: 'integer', minimum: 0 } },
};

const text = { type: 'string' } as const;
const integer = { type: 'integer', minimum: 0 } as const;

export const messageView = {
  type: 'object',
  required: ['id', 'type', 'role', 'model', 'content', 'stop_reason', 'stop_sequence', 'usage'],
  properties: {
    id: text,
    type: { type: 'string', enum: ['message'] },
    role: { type: 'string', enum: ['assistant'] },
    model: text,
    content: { type: 'array', items: { type: 'object', required: ['type'], additionalProperties: true } },
    stop_reason: { type: 'string', enum: ['end_turn', 'max_tokens', 'stop_sequence', 'tool_use', 'refusal'] },
    stop_sequence: { type: 'string', nullable: true },
    usage: {
      type: 'object',
      required: ['input_tokens', 'output_tokens'],
      properties: { input_tokens: integer, output_tokens: integer },
      additionalProperties: true,
    },
  },
  additionalProperties: true,
};
