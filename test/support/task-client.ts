import { eventually, LAST_RESORT_MS } from './deadline';
import type { HttpAnswer } from './http-client';
import type { RunningService } from './service';
import { openEvents, readEvents, type OpenOptions, type ReadOptions } from './sse-client';
import type { SseEvent, SseReading, SseStream } from './sse-stream';

type Json = Record<string, unknown>;

/** What tests ask of tasks, over HTTP. */
export class TaskClient {
  constructor(private readonly service: RunningService) {}

  /** Submits a task that has to be accepted; resolves to its id. */
  async submit(task: Json = {}): Promise<string> {
    const answer = await this.post(task);
    if (answer.status !== 202) throw new Error(`the task was not accepted: ${answer.status} ${answer.text}`);
    return String(answer.json()['task_id']);
  }

  post(task: Json): Promise<HttpAnswer> {
    return this.service.request('POST', '/v2/tasks', { body: { prompt: 'Go.', ...task } });
  }

  async view(taskId: string): Promise<Json> {
    return (await this.service.request('GET', `/v2/tasks/${taskId}`)).json();
  }

  /** The task once it is in that state. */
  reached(taskId: string, state: string, deadlineMs = LAST_RESORT_MS): Promise<Json> {
    return eventually(
      () => this.view(taskId),
      view => view['state'] === state,
      deadlineMs,
    );
  }

  async idsInState(state: string): Promise<string[]> {
    const { items } = (await this.service.request('GET', `/v2/tasks?limit=1000&state=${state}`)).json<{
      items: Json[];
    }>();
    return items.map(item => String(item['task_id']));
  }

  read(taskId: string, options: ReadOptions = {}, query = ''): Promise<SseReading> {
    return readEvents(this.eventsUrl(taskId, query), { ...options, headers: this.headers });
  }

  open(taskId: string, options: OpenOptions = {}, query = ''): Promise<SseStream> {
    return openEvents(this.eventsUrl(taskId, query), { ...options, headers: this.headers });
  }

  eventsUrl(taskId: string, query = ''): string {
    return `${this.service.url}/v2/tasks/${taskId}/events${query}`;
  }

  /** Resolves once that many slots of a pool may be used. */
  async slotsFree(slots: number, poolId = 'default', deadlineMs = LAST_RESORT_MS): Promise<void> {
    const health = async () =>
      (await this.service.request('GET', `/v2/pools/${poolId}/health`)).json<{ metrics: Json }>();
    await eventually(health, ({ metrics }) => metrics['slots_free'] === slots, deadlineMs);
  }

  private get headers(): Record<string, string> {
    return { 'X-API-Key': this.service.apiKey };
  }
}

/** Events as they stood on the wire, to compare one reading with another. */
export function wireOf(events: readonly SseEvent[]): string[] {
  return events.map(({ id, type, text }) => `${id ?? '-'} ${type} ${text}`);
}

export function tokenIndexes(events: readonly SseEvent[]): number[] {
  return events.filter(({ type }) => type === 'token').map(({ data }) => (data as { i: number }).i);
}

export function upTo(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index);
}

/** The code of the `error` that a stream ended with; undefined for any other end. */
export function errorCodeOf(events: readonly SseEvent[]): string | undefined {
  const last = events.at(-1);
  return last?.type === 'error' ? (last.data as { code: string }).code : undefined;
}

export function isTerminal({ type }: SseEvent): boolean {
  return type === 'end' || type === 'error';
}
