import { LoadConnection } from './load-connection';
import type { MeasuredProcess } from './measured-process';
import { TokenCheck } from './token-check';

/** Streams that run at once, and what each task asks for. */
export interface RelayLoad {
  readonly streams: number;
  readonly tasks: number;
  readonly tokens: number;
}

export interface RelayFigures {
  readonly seconds: number;
  /** From the request to the first token, milliseconds. */
  readonly firstTokenMs: readonly number[];
}

/** Runs one stream over a connection, to its end. */
export type StreamRunner = (connection: LoadConnection, check: TokenCheck, tokens: number) => Promise<void>;

const completionOf = (tokens: number): object => ({ prompt: 'Say something.', n_predict: tokens, stream: true });

/** Straight to the engine, or through a relay that speaks as it does. */
export const engineStream: StreamRunner = async (connection, check, tokens) => {
  const { status } = await connection.ask(
    { method: 'POST', path: '/completion', body: completionOf(tokens) },
    check.take,
  );
  if (status !== 200) throw new Error(`the relay answered ${status}`);
};

/** The whole way of a task: submitted, then read to its end. */
export function taskStream(apiKey: string): StreamRunner {
  const headers = { 'X-API-Key': apiKey };
  return async (connection, check, tokens) => {
    const body = {
      session_id: crypto.randomUUID(),
      prompt: 'Say something.',
      max_tokens: tokens,
      deadline_ms: 600_000,
    };
    const admission = await connection.ask({ method: 'POST', path: '/v2/tasks', body, headers });
    if (admission.status !== 202) throw new Error(`the task was refused: ${admission.status} ${admission.body}`);
    const { task_id: id } = JSON.parse(admission.body.slice(admission.body.indexOf('{'))) as { task_id: string };
    const { status } = await connection.ask({ method: 'GET', path: `/v2/tasks/${id}/events`, headers }, check.take);
    if (status !== 200) throw new Error(`the stream was refused: ${status}`);
  };
}

/**
 * Runs all tasks of a load, each stream's next as soon as its last has ended.
 * @throws Error when a stream is refused, or a token missing or doubled
 */
export async function relay(
  { url }: Pick<MeasuredProcess, 'url'>,
  run: StreamRunner,
  { streams, tasks, tokens }: RelayLoad,
): Promise<RelayFigures> {
  let left = tasks;
  const firstTokenMs: number[] = [];
  const work = async (): Promise<void> => {
    const connection = new LoadConnection(url);
    try {
      while (left-- > 0) {
        const check = new TokenCheck();
        const fromMs = performance.now();
        await run(connection, check, tokens);
        if (!check.isComplete || check.tokens !== tokens) {
          throw new Error(`a stream ended after ${check.tokens} tokens: ${check.last}`);
        }
        firstTokenMs.push(check.firstAtMs - fromMs);
      }
    } finally {
      connection.close();
    }
  };
  const fromMs = performance.now();
  await Promise.all(Array.from({ length: streams }, work));
  return { seconds: (performance.now() - fromMs) / 1000, firstTokenMs };
}
