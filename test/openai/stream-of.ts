type Members = Readonly<Record<string, unknown>>;

interface Whole extends Members {
  readonly object: string;
  readonly choices: readonly (Members & {
    readonly index: number;
    readonly message?: Members;
    readonly text?: string;
  })[];
  readonly usage?: Members;
}

/** A whole answer of OpenAI's API as its server would have streamed it: its choices, why each ended, usage, the sentinel. */
export function streamOf(reply: object): string {
  const { choices, usage, object, ...rest } = reply as Whole;
  const head = { ...rest, object: object === 'chat.completion' ? 'chat.completion.chunk' : object };
  const said = choices.map(({ finish_reason: _finish, message, ...choice }) => ({
    ...choice,
    ...(message && { delta: withIndexes(message) }),
    finish_reason: null,
  }));
  const ends = choices.map(({ index, message, finish_reason: finish }) => ({
    index,
    ...(message ? { delta: {} } : { text: '' }),
    finish_reason: finish,
  }));
  const chunks = [
    { ...head, choices: said },
    { ...head, choices: ends },
    { ...head, choices: [], usage },
  ];
  return `${chunks.map(chunk => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`;
}

function withIndexes({ tool_calls: calls, ...message }: Members): Members {
  if (!Array.isArray(calls)) return message;
  return { ...message, tool_calls: (calls as readonly Members[]).map((call, index) => ({ index, ...call })) };
}

/** The frames of a stream, each parsed; the sentinel as it is. */
export function framesOf(stream: string): readonly unknown[] {
  return stream
    .split('\n\n')
    .filter(frame => frame.startsWith('data: '))
    .map(frame => frame.slice('data: '.length))
    .map(data => (data === '[DONE]' ? data : (JSON.parse(data) as unknown)));
}

interface Chunk extends Members {
  readonly object: string;
  readonly choices: readonly (Members & { readonly index: number; readonly delta?: Members; readonly text?: string })[];
}

/** A stream as the whole answer that it makes, put together by other means than ours. Each member of chunks and choices stays. */
export function wholeOf(stream: string): object {
  const frames = framesOf(stream);
  const chunks = frames.filter((frame): frame is Chunk => typeof frame === 'object');
  const whole: Record<string, unknown> = {};
  const choices = new Map<number, Record<string, unknown>>();
  for (const { choices: fragments, ...rest } of chunks) {
    for (const [name, value] of Object.entries(rest)) whole[name] = value ?? whole[name] ?? value;
    for (const { index, delta, text, finish_reason: finish, logprobs, ...others } of fragments) {
      const choice = choices.get(index) ?? { index, finish_reason: null };
      choices.set(index, choice);
      Object.assign(choice, others);
      if (finish !== null && finish !== undefined) choice['finish_reason'] = finish;
      if (logprobs !== undefined) choice['logprobs'] = logprobs ?? choice['logprobs'] ?? null;
      if (text !== undefined) choice['text'] = ((choice['text'] as string | undefined) ?? '') + text;
      if (delta) choice['message'] = joined((choice['message'] ?? {}) as Members, delta);
    }
  }
  if (typeof whole['object'] === 'string') whole['object'] = whole['object'].replace('.chunk', '');
  return { ...whole, choices: [...choices.values()], '[DONE]': frames.at(-1) === '[DONE]' };
}

function joined(message: Members, delta: Members): Members {
  const made: Record<string, unknown> = { ...message };
  for (const [name, value] of Object.entries(delta)) {
    const before = made[name];
    made[name] =
      typeof value === 'string' && typeof before === 'string' && name !== 'role'
        ? before + value
        : (value ?? before ?? null);
  }
  return made;
}
